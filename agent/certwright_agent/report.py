# SPDX-License-Identifier: Apache-2.0
"""What this host's web servers serve: for the gateway's list of sites and for the installation check."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from shared.probe.handshake import handshake
from shared.probe.leaf import Leaf
from shared.probe.outcome import Failed

from certwright_agent import arguments as check
from certwright_agent.certificates import stored
from certwright_agent.errors import Refused
from certwright_agent.installation import find_site
from certwright_agent.watching import MOST_WATCHED, Watch
from certwright_agent.webservers.site import Site, WebServer, name_to_ask_for


def sites(servers: Sequence[WebServer], watch: Watch | None = None) -> tuple[list[dict[str, Any]], list[str]]:
    """Every site as the agent API takes it (`SiteReport`), and what could not be read."""
    listed: list[tuple[WebServer, list[Site]]] = []
    problems: list[str] = []
    for server in servers:
        try:
            listed.append((server, server.sites()))
        except Refused as problem:  # noqa: PERF203  one server's trouble must not hide the others
            problems.append(f"{server.kind} {server.main}: {problem}")
    found = watch.look(listed) if watch is not None else {}
    reports = [
        {**_site(site), "findings": [_told(one) for one in found.get((server.kind, str(server.main), site.name), [])]}
        for server, each in listed
        for site in each
    ]
    if len(reports) > MOST_WATCHED:
        problems.append(f"{len(reports)} sites are more than {MOST_WATCHED}: the others are neither told nor watched")
    return reports[:MOST_WATCHED], problems


def check_installation(servers: Sequence[WebServer], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What each TLS binding of a site serves now, beside the serial that is expected."""
    server, site = find_site(servers, arguments)
    name = _name_to_ask_for(server, site)
    expected = check.serial(arguments, "expected_serial")
    bindings: list[dict[str, Any]] = []
    for listener in site.listeners:
        if not listener.tls:
            continue
        seen = handshake(listener.probe_address, listener.port, name if listener.sni == "" else listener.sni)
        binding: dict[str, Any] = {"address": listener.address, "port": listener.port}
        if isinstance(seen, Failed):
            binding.update(correct=False, failure=seen.failure.value, detail=seen.detail)
        else:
            served = _certificate(seen.leaf, ssl.DER_cert_to_PEM_cert(seen.der))
            binding.update(correct=seen.leaf.serial == expected, served=served, protocol=seen.protocol)
        bindings.append(binding)
    correct = bool(bindings) and all(binding["correct"] for binding in bindings)
    return {"correct": correct, "expected_serial": expected, "bindings": bindings}


def place(binding: Mapping[str, Any]) -> str:
    """Address and port of a binding of a report, in one word."""
    address = str(binding["address"])
    return f"[{address}]:{binding['port']}" if ":" in address else f"{address}:{binding['port']}"


def _name_to_ask_for(server: WebServer, site: Site) -> str | None:
    for block in site.tls_blocks:
        held = stored(block)
        if held is not None and held[0].dns_names:
            return name_to_ask_for(site, held[0].dns_names, server.sites())
    return site.server_name


def _site(site: Site) -> dict[str, Any]:
    bindings = []
    for block in site.blocks:
        held = stored(block)
        bindings += [
            {
                "address": listener.address,
                "port": listener.port,
                "tls": listener.tls,
                "names": list(block.names)[:100],
                "certificate": _certificate(*held) if listener.tls and held else None,
            }
            for listener in block.listeners
        ]
    return {
        "web_server": site.web_server,
        "name": site.name,
        "names": site.names[:250],
        "bindings": bindings,
        "document_root": os.fsencode(site.document_root).decode("utf-8", "replace"),
        "config_path": str(site.blocks[0].file),
        "writable": not site.reason,
        "reason": site.reason,
    }


def _told(finding: dict[str, Any]) -> dict[str, Any]:
    """Without the bytes of a path that are no UTF-8."""
    return {
        name: os.fsencode(value).decode("utf-8", "replace") if isinstance(value, str) else value
        for name, value in finding.items()
    }


def _certificate(leaf: Leaf, pem: str) -> dict[str, Any]:
    return {
        "serial": leaf.serial,
        "fingerprint_sha256": leaf.fingerprint,
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "names": list(leaf.dns_names),
        "not_before": leaf.not_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "not_after": leaf.not_after.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "spki_sha256": leaf.spki_sha256,
        "pem": pem,
    }
