# SPDX-License-Identifier: Apache-2.0
"""Whether what a job brings can be installed at all: certificate, chain, key, names, the host's state, free ports."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from shared.probe.leaf import Leaf

from certwright_agent import arguments as check
from certwright_agent.certificates import check_chain, check_order, covers, read_pem
from certwright_agent.errors import Refused
from certwright_agent.keystore import Keystore
from certwright_agent.webservers.site import Listener, Material, Plan, Site, WebServer


def material(arguments: Mapping[str, Any], site: Site, keystore: Keystore) -> tuple[Leaf, dict[str, bytes]]:
    """Checks that certificate, chain, key and site belong together; returns the files to write. Raises Refused."""
    (pem,) = _exactly_one(check.certificates(arguments, "certificate_pem"))
    chain = check.certificates(arguments, "chain_pem")
    leaf = read_pem(pem)
    if leaf.serial != check.serial(arguments):
        raise Refused("the certificate has another serial number than the job says", "certificate_misfit")
    if leaf.spki_sha256 != check.spki(arguments):
        raise Refused("the certificate has another key than the job says", "certificate_misfit")
    if not leaf.not_before <= datetime.now(timezone.utc) < leaf.not_after:
        raise Refused(
            f"the certificate is not valid now: {leaf.not_before} to {leaf.not_after}", "certificate_not_valid_now"
        )
    if site.server_name is not None and not covers(leaf.dns_names, site.server_name):
        raise Refused(
            f"the certificate is for {', '.join(leaf.dns_names[:10])}, not for {site.server_name}",
            "certificate_misfit",
        )
    check_order(leaf, [read_pem(issuer) for issuer in chain])
    check_chain(pem, chain)
    key = keystore.read(leaf.spki_sha256)
    chain_bytes = "".join(chain).encode("ascii")
    certificate = pem.encode("ascii")
    return leaf, {
        "privkey.pem": key,
        "cert.pem": certificate,
        "chain.pem": chain_bytes,
        "fullchain.pem": certificate + chain_bytes,
    }


def check_host(server: WebServer, site: Site, stable: Material) -> Plan:
    """Everything that can be known before anything is touched (F14). Raises Refused."""
    if site.reason:
        raise Refused(site.reason, "site_not_writable")
    verdict = server.test()
    if not verdict.ok:
        raise Refused(
            f"the present configuration does not pass its own test; nothing was changed: {verdict.detail}",
            "config_broken",
        )
    if not server.running():
        raise Refused(f"{server.kind} is not running: start it, then try again", "not_running")
    plan = server.plan(site, stable)
    known = {(o.address, o.port) for other in server.sites() for o in other.listeners}
    for listener in plan.listeners:
        if (listener.address, listener.port) not in known:
            check_free(listener)
    return plan


def check_names(leaf: Leaf, plan: Plan) -> None:
    """A certificate that several names share must be good for each that is asked for. Raises Refused."""
    missing = [listener.sni for listener in plan.listeners if listener.sni and not covers(leaf.dns_names, listener.sni)]
    if missing:
        raise Refused(
            f"the certificate is for {', '.join(leaf.dns_names[:10])}, not for {', '.join(missing[:10])}",
            "certificate_misfit",
        )


def check_free(listener: Listener) -> None:
    """A new port must be free: a server that cannot bind on reload keeps the old state (nginx) or ends (Apache)."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    address = {"*": "0.0.0.0"}.get(listener.address, listener.address)  # noqa: S104  the question is whether it is free
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((address, listener.port))
        except OSError as error:
            raise Refused(
                f"port {listener.port} of {listener.address} cannot be used: {error.strerror}", "port_taken"
            ) from None


def _exactly_one(pems: list[str]) -> list[str]:
    if len(pems) != 1:
        raise Refused("the job's certificate_pem holds not exactly one certificate")
    return pems
