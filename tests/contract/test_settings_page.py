# SPDX-License-Identifier: Apache-2.0
"""docs/settings.md is what the program says of its settings."""

from __future__ import annotations

from pathlib import Path

from certwright.commands.settings import as_markdown, every_setting

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == as_markdown(list(every_setting())), "certwright settings --markdown > docs/settings.md"


def test_every_setting_is_explained():
    assert [each["name"] for each in every_setting() if not each["meaning"]] == []
