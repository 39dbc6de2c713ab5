# SPDX-License-Identifier: Apache-2.0
"""A mail as the services write it, and its checks. A text part always; no header can be smuggled in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

MAX_ADDRESS = 254
MAX_SUBJECT = 200
# RFC 5321 dot-string and an LDH host: quoted local parts and address literals are legal and never honest here.
_ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@"
    r"(?P<host>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)"
)


class MailRefusedError(ValueError):
    """A mail that cannot be written: an address or header that is none."""


class MailError(Exception):
    """The mail did not go out. `permanent` tells that trying again is useless (SMTP 5xx)."""

    def __init__(self, detail: str, *, permanent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `name` is plain ASCII, `media` such as application/pdf."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address. `key` makes the Message-ID: the same key is the same mail, however often it is sent."""

    to: str
    subject: str
    text: str
    key: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


class Mailer(Protocol):
    """Sends mail."""

    def send(self, mail: Mail, at: datetime) -> None:
        """Sends `mail`, dated `at`. Raises MailRefusedError or MailError."""
        ...


def check_address(text: str) -> str:
    """The address as it is, if it is a plain one. Raises MailRefusedError."""
    match = _ADDRESS.fullmatch(text)
    if match is None or len(text) > MAX_ADDRESS or len(match["local"]) > 64:
        raise MailRefusedError("This is not an e-mail address.")
    return text


def compose(mail: Mail, *, sender: str, at: datetime) -> EmailMessage:
    """The message on the wire. Raises MailRefusedError on line breaks in headers and on bad addresses."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,120}", mail.key):
        raise MailRefusedError("The key of a mail holds letters, digits, dots, hyphens and underscores only.")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in mail.subject):
        raise MailRefusedError("A subject has no line breaks and no control characters.")
    if not mail.text.strip():
        raise MailRefusedError("A mail has a text part.")
    message = EmailMessage()
    name, address = _sender(sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=check_address(mail.to))
    message["Subject"] = mail.subject[:MAX_SUBJECT]
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.key}@{address.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers this
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for file in mail.attachments:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", file.name):
            raise MailRefusedError("The name of an attached file holds letters, digits, dots, hyphens and underscores.")
        main, _, sub = file.media.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return message


def _sender(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*(?P<name>[^<>\r\n\"]*?)\s*<(?P<address>[^<>]+)>\s*", text)
    if match is None:
        return "", check_address(text.strip())
    return match["name"], check_address(match["address"])
