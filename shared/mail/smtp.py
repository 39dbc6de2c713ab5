# SPDX-License-Identifier: Apache-2.0
"""Mail by SMTP (RFC 5321, RFC 3207)."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime

from shared.mail.message import Mail, MailError, compose
from shared.mail.settings import MailSettings


class SMTPMailer:
    """One connection per mail: mails are few, and a connection that idles is one more thing that breaks."""

    def __init__(self, settings: MailSettings, *, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls

    def send(self, mail: Mail, at: datetime) -> None:
        """Hands the mail to the server. Raises MailRefusedError before, MailError during the exchange."""
        message = compose(mail, sender=self._settings.sender, at=at)
        try:
            with self._open() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            permanent = all(500 <= code < 600 for code in codes)
            raise MailError(f"The mail server refused the address ({codes[0]}).", permanent=permanent) from None
        except smtplib.SMTPResponseException as error:
            permanent = 500 <= error.smtp_code < 600 and not isinstance(error, smtplib.SMTPAuthenticationError)
            raise MailError(f"The mail server answered {error.smtp_code}.", permanent=permanent) from None
        except smtplib.SMTPNotSupportedError:
            raise MailError("The mail server offers no STARTTLS or no authentication.", permanent=False) from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailError(f"The mail server cannot be reached ({type(error).__name__}).", permanent=False) from None

    def _open(self) -> smtplib.SMTP:
        settings = self._settings
        context = self._tls or ssl.create_default_context()
        if settings.tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.tls == "starttls":
                server.starttls(context=context)
            if settings.username and settings.tls != "none":
                server.login(settings.username, settings.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server
