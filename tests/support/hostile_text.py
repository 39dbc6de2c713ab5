# SPDX-License-Identifier: Apache-2.0
"""What people paste into fields by mistake or on purpose, and a hand that types it into every field of a form."""

from __future__ import annotations

from collections.abc import Callable, Collection

from playwright.sync_api import Locator

from tests.support.browser import Screen

HOSTILE = {
    "too long": "x" * 5_000,
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202e \u0639\u0627\u0644\u0645",
    "emoji": "\U0001f9e8 \U0001f469\u200d\U0001f469\u200d\U0001f467",
    "markup": "<img src=x onerror=alert(1)>",
    "control characters": "a\u0000b\u0007c",
    "blank": "   ",
}
EMOJI = HOSTILE["emoji"]
TYPED = (
    "input:not([type=checkbox]):not([type=radio]):not([type=hidden]):not([type=date]):not([type=range])"
    ":not([type=file]):not([readonly]):not([disabled]), textarea:not([readonly]):not([disabled])"
)


def text_fields(form: Locator) -> list[Locator]:
    """The fields of a form that take typed text and can be seen."""
    form.locator(TYPED).first.wait_for()
    return [field for field in form.locator(TYPED).all() if field.is_visible()]


def type_everywhere(form: Locator, text: str) -> list[str]:
    """Fills every field; what each then holds (a field may take less than it was given)."""
    fields = text_fields(form)
    for field in fields:
        field.fill(text)
    return [field.input_value() for field in fields]


def survives_hostile_text(
    screen: Screen, form: Locator, submit: Callable[[], object], kinds: Collection[str] = tuple(HOSTILE)
) -> None:
    """Types each text into every field and submits: refused at a field, with everything kept.

    Only for forms in which no such text can be right in all fields at once. A fault of the server or of the page fails
    the test by the screen's own rules.
    """
    for kind in kinds:
        text = HOSTILE[kind]
        held = type_everywhere(form, text)
        submit()
        form.locator("[aria-invalid=true], [data-invalid], [role=alert]").first.wait_for()
        assert [field.input_value() for field in text_fields(form)][: len(held)] == held, f"{kind}: typed text was lost"
