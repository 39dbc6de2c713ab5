# SPDX-License-Identifier: Apache-2.0
"""Mail into a folder, one `.eml` file each, for installations without a mail server and for demonstrations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from shared.clock import to_text
from shared.mail.message import Mail, compose

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[A-Za-z0-9._-]{1,120}")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail in the folder. `text` is empty in lists."""

    id: str
    to: str
    subject: str
    at: str
    text: str = ""


class MailFolder:
    """Writes mails with rights 0600 below a folder with rights 0700; an operator lists and reads them."""

    def __init__(self, folder: Path, *, sender: str = "Certwright <certwright@localhost.localdomain>") -> None:
        self._folder = folder
        self._sender = sender

    def send(self, mail: Mail, at: datetime) -> None:
        """Writes the mail; the same key at the same moment is the same file. Raises MailRefusedError."""
        message = compose(mail, sender=self._sender, at=at)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = to_text(at).replace("-", "").replace(":", "")
        path = self._folder / f"{stamp}-{mail.key}.eml"
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_bytes(message.as_bytes())
        part.replace(path)

    def newest(self, *, limit: int = 100, before: str | None = None) -> list[StoredMail]:
        """The newest mails first; `before` is the id where an earlier page ended."""
        if not self._folder.is_dir():
            return []
        names = sorted((path.stem for path in self._folder.glob("*.eml") if _NAME.fullmatch(path.stem)), reverse=True)
        wanted = [name for name in names if before is None or name < before][:limit]
        return [found for name in wanted if (found := self.read(name, with_text=False)) is not None]

    def read(self, mail_id: str, *, with_text: bool = True) -> StoredMail | None:
        """One mail, None when there is none of that id."""
        path = self._folder / f"{mail_id}.eml"
        if not _NAME.fullmatch(mail_id) or not path.is_file():
            return None
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",)) if with_text else None
        stamp = mail_id.partition("-")[0]
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ")  # noqa: DTZ007 - the stamp says Z, and it is written back so
        return StoredMail(
            id=mail_id,
            to=str(message["To"]),
            subject=str(message["Subject"]),
            at=at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            text=str(body.get_content()) if body is not None else "",
        )
