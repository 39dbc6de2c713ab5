# SPDX-License-Identifier: Apache-2.0
"""The text of a validation mail."""

from __future__ import annotations

from services.dcv.ports import Secrets
from shared.mail.message import Mail

TEXT = """\
Somebody asks for a TLS certificate for

    {fqdn}

and named this mailbox to prove that the name is theirs.

If that is right, open this page and confirm:

    {link}

or type this code into the order:

    {code}

Both are good once, until {expires}. If you know nothing of this, do nothing: no certificate will be issued.
"""


def challenge_mail(*, fqdn: str, address: str, secrets: Secrets, link: str, expires: str, key: str) -> Mail:
    """One mail; `key` makes its Message-ID, so that the same mail sent again is known as the same."""
    text = TEXT.format(fqdn=fqdn, link=link, code=secrets.code, expires=expires[:10])
    return Mail(to=address, subject=f"Confirm the certificate for {fqdn}", text=text, key=key)
