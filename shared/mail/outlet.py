# SPDX-License-Identifier: Apache-2.0
"""Which way mails leave, by the operator's settings."""

from __future__ import annotations

from pathlib import Path

from shared.mail.folder import MailFolder
from shared.mail.message import Mailer
from shared.mail.settings import MailSettings
from shared.mail.smtp import SMTPMailer

FOLDER = "mail"


def open_mailer(settings: MailSettings, data_dir: Path) -> Mailer:
    """SMTP when a host is configured, else the folder `<data_dir>/mail`."""
    return SMTPMailer(settings) if settings.host else open_folder(settings, data_dir)


def open_folder(settings: MailSettings, data_dir: Path) -> MailFolder:
    """The folder of mails that were written instead of sent, for an operator to read."""
    return MailFolder(data_dir / FOLDER, sender=settings.sender)
