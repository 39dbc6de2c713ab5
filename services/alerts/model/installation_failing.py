# SPDX-License-Identifier: Apache-2.0
"""When an installation that follows a reissue by itself goes on failing."""

from __future__ import annotations

KIND = "installation_failing"
SEVERITY = "warning"
PATIENCE = 3  # tries: the first ones are half an hour, and most causes pass in it


def lasting(tries: int, again_at: str) -> bool:
    """Whether somebody is to know: it failed again and again, or is not tried again. None counts that was asked for
    by hand (`tries` is 0)."""
    return tries >= PATIENCE or (tries > 0 and not again_at)


def sentence(reason: str, again_at: str) -> str:
    """What the alert says, in words."""
    goes_on = f"It will be tried again at {again_at[:16]}Z." if again_at else "It is not tried again by itself."
    return f"A reissued certificate could not be installed on a site: {reason} {goes_on}"
