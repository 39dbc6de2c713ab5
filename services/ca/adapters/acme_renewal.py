# SPDX-License-Identifier: Apache-2.0
"""ARI (RFC 9773) as a client: how a certificate is named to its CA, and what the CA suggests for it."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from acme import messages
from cryptography import x509
from josepy.json_util import field

from services.ca.adapters.acme_wire import retry_after
from services.ca.ports import RenewalInfo
from shared.clock import to_text

# RFC 9773 §4.3.2 and §4.3.3: as the CA says, within reason; six hours where it says nothing.
USUAL_WAIT_S = 6 * 3600.0
SHORTEST_WAIT_S = 60.0
LONGEST_URL = 1000


class ReplacingOrder(messages.NewOrder):
    """A new order that names the certificate which it is to replace (RFC 9773 §5)."""

    replaces: str = field("replaces", omitempty=True)


def certificate_id(pem: str) -> str:
    """How RFC 9773 §4.1 names a certificate; empty for one that does not say whose key signed it."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    serial = certificate.serial_number
    written = serial.to_bytes(serial.bit_length() // 8 + 1)  # with the leading zero of a positive DER integer
    return f"{_b64(extension.value.key_identifier or b'')}.{_b64(written)}"


def read_renewal_info(answer: requests.Response) -> RenewalInfo:
    """What the CA suggests. Raises ValueError, KeyError or TypeError for what is no suggestion (RFC 9773 §4.2: an end
    that is not after its start counts as no answer)."""
    found: dict[str, Any] = answer.json()
    window = found["suggestedWindow"]
    start, end = (_moment(window[name]) for name in ("start", "end"))
    if end <= start:
        raise ValueError("the window ends before it begins")
    url = found.get("explanationURL")
    return RenewalInfo(
        start=to_text(start),
        end=to_text(end),
        explanation_url=url if isinstance(url, str) and _is_a_page(url) else "",
        again_s=max(retry_after(answer, USUAL_WAIT_S), SHORTEST_WAIT_S),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment


def _is_a_page(url: str) -> bool:
    """Whether people may be sent there."""
    parts = urlsplit(url)
    return len(url) <= LONGEST_URL and url.isprintable() and parts.scheme == "https" and bool(parts.hostname)


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")
