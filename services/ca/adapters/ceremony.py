# SPDX-License-Identifier: Apache-2.0
"""A key ceremony: root and issuing CA made on a machine of their own, without a server, with a transcript.

What it leaves is one folder: `ca/` goes to the server as its CA folder, `offline/` to the safe, the transcript to the
files of whoever answers for the root.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from services.ca.adapters.founding import OFFLINE, ROOT_KEY, Founded, Plan, found
from services.ca.adapters.key_files import PASSPHRASE, KeyStoreError, opened, read_passphrase, sync, write_new
from services.ca.adapters.self_check import Check, refuse_failed, self_check
from services.ca.adapters.transcript import Transcript, write_up
from shared.crashpoint import crash_point

NOTE = "ca/ goes to the server as its CA folder, offline/ to the safe. Nobody carries a key with its passphrase."
ACT = "Key ceremony: a root and its first issuing CA"


def hold(
    plan: Plan,
    out: Path,
    *,
    root_secret: bytes,
    passphrase_file: Path | None,
    by: str,
    witnesses: Iterable[str],
    now: datetime,
) -> Transcript:
    """Makes everything, looks at it, writes it up, and puts it in place by one rename. Raises KeyStoreError.

    `passphrase_file` is the issuing key's passphrase; None makes one at random in `ca/`.
    """
    if out.exists():
        raise KeyStoreError(f"{out} is there already; a ceremony begins with an empty place.")
    out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))  # 0700
    try:
        folder = draft / "ca"
        folder.mkdir(mode=0o700)
        made = found(plan, folder, root_secret=root_secret, passphrase_file=passphrase_file, now=now)
        (folder / OFFLINE).rename(draft / OFFLINE)
        checks = _look(made, draft, root_secret, passphrase_file, now)
        refuse_failed(checks)
        files = {str(path.relative_to(draft)): path for path in draft.rglob("*") if path.is_file()}
        transcript = write_up(
            ACT,
            at=now,
            by=by,
            witnesses=witnesses,
            certificates={"Root": made.root, "Issuing CA": made.issuing},
            checks=checks,
            files={name: path for name, path in files.items() if path.name != PASSPHRASE},
            notes=[NOTE],
        )
        write_new(draft / "transcript.txt", transcript.text().encode())
        write_new(draft / "transcript.json", json.dumps(transcript.document(), indent=2).encode())
        for place in (folder, draft / OFFLINE, draft):
            sync(place)
        crash_point("ca/ceremony/before-rename")
        draft.rename(out)
        sync(out.parent)
        return transcript
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _look(made: Founded, draft: Path, root_secret: bytes, passphrase_file: Path | None, now: datetime) -> list[Check]:
    """Of what lies on the disk, read back."""
    folder = draft / "ca"
    issuing_key = opened(folder / "issuing.key.pem", read_passphrase(passphrase_file or folder / PASSPHRASE))
    sealed_root = draft / OFFLINE / ROOT_KEY
    root_key = opened(sealed_root, root_secret)
    checks = self_check(made.root, made.issuing, issuing_key, now=now)
    checks.append(
        Check("the root's sealed key opens with its passphrase", root_key.public_key() == made.root.public_key())
    )
    checks.append(Check("and with no other", _stays_shut(sealed_root, root_secret + b"x")))
    checks.append(Check("the root's key is nowhere in ca/", not (folder / ROOT_KEY).exists()))
    listed = made.root_list.is_signature_valid(root_key.public_key())
    checks.append(Check("the root signed its revocation list, which is empty", listed and len(made.root_list) == 0))
    return checks


def _stays_shut(path: Path, secret: bytes) -> bool:
    try:
        opened(path, secret)
    except KeyStoreError:
        return True
    return False
