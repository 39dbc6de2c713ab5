# SPDX-License-Identifier: Apache-2.0
"""The plan of an installation as an agent tells it, and the order that it is for."""

from __future__ import annotations

from typing import Any

from shared.contracts import orders

PATH = "/etc/nginx/sites-enabled/www.conf"
DIFF = f"""--- a{PATH}
+++ b{PATH}
@@ -1,4 +1,4 @@
 server {{
     listen 443 ssl;
-    ssl_certificate /etc/ssl/old.pem;
+    ssl_certificate /opt/certwright-agent/state/live/www/fullchain.pem;
 }}
"""


def told(site: str = "www.example.test", *, serial: str = "0ABC", **changes: Any) -> dict[str, Any]:
    """One configuration file and the two files of the certificate."""
    live = "/opt/certwright-agent/state/live/www"
    plan: dict[str, Any] = {
        "plan_sha256": "5e" * 32,
        "parts": {f"file {PATH}": "11" * 32, "certificate": "22" * 32, "commands": "33" * 32, "bindings": "44" * 32},
        "web_server": "nginx",
        "site": site,
        "serial": serial,
        "fingerprint_sha256": "ab" * 32,
        "files": [
            {
                "path": PATH, "what": "configuration", "secret": False, "new": False, "mode": "0644",
                "owner": "root:root", "old_sha256": "01" * 32, "new_sha256": "02" * 32, "diff": DIFF, "cut": False,
                "added": 1, "removed": 1, "hidden": 0, "encoding": "utf-8",
            },
            {
                "path": f"{live}/fullchain.pem", "what": "content", "secret": False, "new": True, "mode": "0644",
                "owner": "", "old_certificate_sha256": "", "new_certificate_sha256": "ab" * 32,
            },
            {"path": f"{live}/privkey.pem", "what": "content", "secret": True, "new": True, "mode": "0600",
             "owner": ""},
        ],
        "test": "/usr/sbin/nginx -c /etc/nginx/nginx.conf -t",
        "reload": "/usr/sbin/nginx -c /etc/nginx/nginx.conf -s reload",
        "bindings": [{"address": "*", "port": 443, "name": site}],
    }  # fmt: skip
    return {**plan, **changes}


def certificate_view(serial: str = "0ABC") -> orders.CertificateView:
    """The certificate of the order, as orders shows it."""
    return orders.CertificateView(
        serial=serial,
        fingerprint_sha256="ab" * 32,
        names=["www.example.test"],
        not_before="2026-11-23T00:00:00.000000Z",
        not_after="2027-06-11T00:00:00.000000Z",
        issued_at="2026-11-23T00:00:00.000000Z",
        csr_version=1,
        issuer="CN=CA",
        spki_sha256="00" * 32,
    )


def order_view(certificate: orders.CertificateView) -> orders.OrderView:
    """An order that may be installed."""
    return orders.OrderView(
        order_id="order-1",
        number=2000001,
        account_id="account-1",
        kind="certificate",
        product="dv-single",
        product_name="Single name DV",
        validation_level="DV",
        common_name="www.example.test",
        names=["www.example.test"],
        term_years=1,
        amount=4900,
        currency="USD",
        status="issued",
        allowed_actions=["auto_install"],
        blocked_on=[],
        placed_at="2026-11-23T00:00:00.000000Z",
        version=1,
        certificate=certificate,
    )
