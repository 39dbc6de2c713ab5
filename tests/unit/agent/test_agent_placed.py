# SPDX-License-Identifier: Apache-2.0
"""Files that keep their names: exactly the planned ones change, and all of it comes back."""

import json
import tempfile
from pathlib import Path

import pytest
from certwright_agent import placed
from certwright_agent.errors import StepFailed
from certwright_agent.files import Roots
from certwright_agent.webservers.placement import Placement, part, why_not_placed
from hypothesis import given, settings
from hypothesis import strategies as st

CONTENT = st.binary(max_size=200)


def snapshot(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file() and "archive" not in path.parts
    }


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.none() | CONTENT, CONTENT, st.sampled_from([0o600, 0o640, 0o644])), min_size=1, max_size=4),
    CONTENT,
)
def test_exactly_the_planned_bytes_change_and_come_back(files, bystander):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bystander").write_bytes(bystander)
        placements, staged = [], {}
        for number, (old, new, mode) in enumerate(files):
            path = folder / f"file {number}"
            if old is not None:
                path.write_bytes(old)
                path.chmod(mode)
            staged[str(number)] = new
            placements.append(Placement(path, part(str(number))))
        before = snapshot(folder)
        records = placed.stage(folder / "archive", placements, staged)
        records = json.loads(json.dumps(records))
        assert snapshot(folder) == before
        placed.apply(records)
        expected = dict(before)
        for number, (old, new, mode) in enumerate(files):
            expected[folder / f"file {number}"] = (new, 0o100000 | (0o600 if old is None else mode))
        assert snapshot(folder) == expected
        assert placed.restore(records) == []
        assert snapshot(folder) == before


def staged_pair(tmp_path):
    placements = []
    for name in ("cert", "key"):
        (tmp_path / name).write_bytes(b"old " + name.encode())
        placements.append(Placement(tmp_path / name, part(name)))
    return placed.stage(tmp_path / "archive", placements, {"cert": b"new cert", "key": b"new key"})


def test_a_file_that_somebody_changed_keeps_all_of_them_as_they_are(tmp_path):
    records = staged_pair(tmp_path)
    placed.apply(records)
    (tmp_path / "cert").write_bytes(b"theirs")
    assert placed.restore(records) == [str(tmp_path / "cert")]
    assert (tmp_path / "key").read_bytes() == b"new key"


def test_a_change_between_plan_and_swap_stops_before_anything(tmp_path):
    records = staged_pair(tmp_path)
    (tmp_path / "key").write_bytes(b"theirs")
    with pytest.raises(StepFailed, match="changed by somebody else"):
        placed.apply(records)
    assert (tmp_path / "cert").read_bytes() == b"old cert"


def test_what_lies_where_the_draft_goes_is_not_followed(tmp_path):
    records = staged_pair(tmp_path)
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    (tmp_path / ".key.certwright-new").symlink_to(victim)
    placed.apply(records)
    assert victim.read_bytes() == b"untouched"
    assert (tmp_path / "key").read_bytes() == b"new key"


def test_a_file_whose_owner_could_not_be_kept_is_refused_before(tmp_path, monkeypatch):
    path = tmp_path / "key"
    path.touch()
    assert why_not_placed(path, Roots([tmp_path])) == ""
    monkeypatch.setattr("certwright_agent.webservers.placement.os.geteuid", lambda: path.stat().st_uid + 12345)
    assert "belongs to another user" in why_not_placed(path, Roots([tmp_path]))


def test_the_journal_gets_no_content(tmp_path):
    assert "old key" not in json.dumps(staged_pair(tmp_path))
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "archive").rglob("*") if path.is_file()} == {0o600}
