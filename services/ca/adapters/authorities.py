# SPDX-License-Identifier: Apache-2.0
"""The issuing CAs as they lie on disk, read anew when an operator has changed something."""

from __future__ import annotations

import logging
from pathlib import Path

from services.ca.adapters.built_in import BuiltInIssuer
from services.ca.adapters.key_files import KeyStoreError
from services.ca.adapters.key_store import KeyStore, RootKey, generation, load
from services.ca.ports import Authority

_log = logging.getLogger(__name__)


class OnDisk:
    """See `ports.Authorities`. Every look costs two `stat` calls."""

    def __init__(
        self, folder: Path, passphrase_file: Path | None, store: KeyStore, *, public_url: str, linted: bool
    ) -> None:
        self._folder = folder
        self._passphrase_file = passphrase_file
        self._public_url = public_url
        self._linted = linted
        self._seen = generation(folder)
        self._store = store
        self._issuers: dict[int, BuiltInIssuer] = {}
        self._take(store)

    @property
    def active(self) -> BuiltInIssuer:
        """See the port."""
        self._look()
        return self._issuers[max(self._issuers)]

    @property
    def former(self) -> tuple[BuiltInIssuer, ...]:
        """See the port."""
        self._look()
        return tuple(self._issuers[number] for number in sorted(self._issuers, reverse=True)[1:])

    @property
    def root_is_offline(self) -> bool:
        """See the port."""
        self._look()
        return self._store.root_key in {RootKey.SEALED, RootKey.AWAY}

    @property
    def root_list(self) -> bytes | None:
        """See the port."""
        self._look()
        return self._store.root_list

    @property
    def generation(self) -> tuple[int, int]:
        """See the port."""
        self._look()
        return self._seen

    def _look(self) -> None:
        found = generation(self._folder)
        if found == self._seen:
            return
        try:
            self._take(load(self._folder, self._passphrase_file))
        except (KeyStoreError, OSError):
            _log.exception(
                "the CA in %s cannot be read any more; what was read before is used until a restart",
                self._folder,
            )
        self._seen = found

    def _take(self, store: KeyStore) -> None:
        for each in store.issuers:
            if each.number not in self._issuers:
                made = BuiltInIssuer(each, public_url=self._public_url, linted=self._linted)
                self._issuers = {**self._issuers, each.number: made}
        self._store = store


class Given:
    """One issuing CA that is given, and never changes."""

    former: tuple[Authority, ...] = ()
    root_is_offline = False
    root_list: bytes | None = None
    generation: object = None

    def __init__(self, active: Authority) -> None:
        self.active = active
