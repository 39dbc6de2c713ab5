# SPDX-License-Identifier: Apache-2.0
"""Chromium's own authenticator in software, by the DevTools protocol: it answers without anybody touching it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page


class VirtualAuthenticator:
    """A platform authenticator of one page that knows its user until it is told otherwise."""

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self._id = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def knows_user(self, known: bool) -> None:
        """Whether PIN, finger or face will be right from now on."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": known})

    @property
    def credentials(self) -> list[dict[str, Any]]:
        """What it holds."""
        asked = {"authenticatorId": self._id}
        held: list[dict[str, Any]] = self._cdp.send("WebAuthn.getCredentials", asked)["credentials"]
        return held
