# SPDX-License-Identifier: Apache-2.0
"""Secrets at rest open with their key and for their owner only."""

import stat

import pytest

from shared.sealing import FileSealer


def test_a_sealed_secret_opens_for_its_owner_only(tmp_path):
    file = tmp_path / "folder" / "key"
    sealer = FileSealer(file)
    sealed = sealer.seal("JBSWY3DP", "user-1")
    assert "JBSWY3DP" not in sealed
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert FileSealer(file).open(sealed, "user-1") == "JBSWY3DP"
    with pytest.raises(ValueError, match="opened"):
        sealer.open(sealed, "user-2")
    with pytest.raises(ValueError, match="opened"):
        sealer.open("rubbish!", "user-1")
    with pytest.raises(ValueError, match="opened"):
        FileSealer(tmp_path / "another").open(sealed, "user-1")


def test_a_key_of_the_wrong_length_is_told(tmp_path):
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ValueError, match="exactly 32 bytes"):
        FileSealer(tmp_path / "key").seal("secret", "owner")
