# SPDX-License-Identifier: Apache-2.0
"""One request for a proof over the guarded way out, whatever the method: what failed, and what DNSSEC says of it."""

from __future__ import annotations

import ssl
from typing import Any, NamedTuple

from services.dcv.model import judging
from services.dcv.model.judging import Outcome, Reason
from services.dcv.settings import DCVSettings
from shared.egress.guard import Egress, EgressError, Response
from shared.egress.resolver import BOGUS, worst_standing

_REASONS = {
    "address_refused": Reason.ADDRESS_REFUSED,
    "dns_nxdomain": Reason.DNS_FAILED,
    "dns_nodata": Reason.DNS_FAILED,
    "dns_servfail": Reason.DNS_FAILED,
    "dns_timeout": Reason.DNS_FAILED,
    "dns_malformed": Reason.DNS_FAILED,
}


class Fetched(NamedTuple):
    """An answer, and the evidence with what was asked of the DNS for it."""

    response: Response
    evidence: dict[str, Any]


class Web:
    """Fetches files by HTTP and HTTPS; redirects are for the caller to follow or not."""

    def __init__(self, egress: Egress, settings: DCVSettings) -> None:
        self._egress = egress
        self._timeout_s = settings.fetch_timeout_s
        # BR 3.2.2.4.18 and .19 ask for no valid certificate: it is what the customer comes to get.
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def get(
        self, url: str, *, schemes: tuple[str, ...], ports: tuple[int, ...], evidence: dict[str, Any]
    ) -> Fetched | Outcome:
        """What answers at `url`; an outcome where nothing does, or where a zone on the way is signed wrongly."""
        try:
            answer = self._egress.fetch(
                url,
                schemes=schemes,
                ports=ports,
                timeout_s=self._timeout_s,
                max_bytes=judging.MAX_FILE_BYTES,
                tls=self._tls if url.startswith("https:") else None,
            )
        except EgressError as error:
            reason = _REASONS.get(error.reason, Reason.UNREACHABLE)
            if any(each.get("dnssec") == BOGUS for each in _asked(error)):
                reason = Reason.BOGUS
            return judging.refused(reason, {**evidence, **error.evidence, "error": error.detail})
        standing = worst_standing(answer.answers)
        shown = {"address": answer.address, "dns": [each.evidence() for each in answer.answers], "dnssec": standing}
        if standing == BOGUS:  # one family of addresses is signed rightly and the other is not
            return judging.refused(Reason.BOGUS, evidence | shown)
        return Fetched(answer, evidence | shown)


def _asked(error: EgressError) -> list[dict[str, Any]]:
    asked = error.evidence.get("dns")
    return asked if isinstance(asked, list) else []
