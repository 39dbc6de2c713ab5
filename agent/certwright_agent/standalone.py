# SPDX-License-Identifier: Apache-2.0
"""`standalone`: the agent as a tool of its own, without a gateway and without enrolment (guide §3.1, Windows Utility).

Keys, journal, tests, proofs and rollback are the agent's own; only where the certificate comes from is another.
"""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from certwright_agent import arguments as check
from certwright_agent import report, rollback
from certwright_agent.certificates import read_pem
from certwright_agent.config import Settings, load_alone
from certwright_agent.errors import AgentError, Refused, code_of
from certwright_agent.files import make_folder
from certwright_agent.jobs import Worker
from certwright_agent.keystore import Keystore
from certwright_agent.outcome import Outcome, Steps
from certwright_agent.standalone_words import installed_words, served_words, site_words
from certwright_agent.webservers.site import WebServer

COMMAND = "standalone"
DONE, FAILED, BROKEN = 0, 1, 3  # 2 is argparse's: wrong use
_SUBJECT = ("country", "state", "locality", "name")
_MOST_PEM = 64 * 1024

Say = Callable[[str], None]


def add_parser(names: argparse._SubParsersAction[Any]) -> None:
    """Adds the command and what it can do to the agent's command line."""
    command = names.add_parser(
        COMMAND,
        help="work on this host without the console: sites, csr, install, check, rollback",
        description="Works on this host's web servers without a console and without enrolment. Exit codes: 0 done, 1 "
        "not done and nothing changed, 2 wrong use, 3 not done and the old state could not be brought back.",
    )
    ways = command.add_subparsers(dest="what", required=True, metavar="WHAT")
    sites = ways.add_parser("sites", help="the sites of this host, and whether they can be written")
    csr = ways.add_parser("csr", help="make a key, which stays on this host, and its CSR")
    csr.add_argument("names", nargs="+", metavar="FQDN", help="the first one is the common name")
    csr.add_argument("--key-algorithm", default=check.KEY_ALGORITHMS[0], choices=check.KEY_ALGORITHMS)
    csr.add_argument("--out", type=Path, metavar="FILE", help="write the CSR there instead of printing it")
    for field in _SUBJECT:
        csr.add_argument(f"--organization-{field}", default="", metavar=field.upper())
    install = ways.add_parser("install", help="install a certificate from files on a site, seen on the wire or undone")
    _site_argument(install)
    install.add_argument("--certificate", type=Path, required=True, metavar="FILE", help="PEM; its chain may follow it")
    install.add_argument("--chain", type=Path, metavar="FILE", help="PEM, issuer after issuer")
    look = ways.add_parser("check", help="what each TLS binding of a site serves")
    _site_argument(look)
    look.add_argument(
        "--certificate", type=Path, metavar="FILE", help="what it should serve (default: what it is set to)"
    )
    for each in (sites, csr, install, look):
        each.add_argument("--json", action="store_true", help="print JSON")
    rollback.add_parser(ways)


def _site_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("site", metavar="SITE", help="its name, as `standalone sites` shows it")
    command.add_argument("--web-server", metavar="KIND", help="nginx, apache …; needed where two have such a site")


def run(arguments: argparse.Namespace, path: Path, say: Say, complain: Say) -> int:
    """Does the command with the settings in `path`, if that is there; returns the exit code. `say` is for results,
    `complain` for reasons.
    """
    doing = {"sites": _sites, "csr": _csr, "install": _install, "check": _check, rollback.COMMAND: _rollback}
    try:
        return doing[arguments.what](arguments, load_alone(path), say)
    except (AgentError, OSError) as problem:
        if arguments.json:
            say(json.dumps({"succeeded": False, "reason": str(problem), "code": code_of(problem)}, indent=2))
        else:
            complain(str(problem))
        return BROKEN if code_of(problem) == "restore_failed" else FAILED


def _sites(arguments: argparse.Namespace, settings: Settings, say: Say) -> int:
    sites, problems = report.sites(settings.servers())
    if arguments.json:
        say(json.dumps({"sites": sites, "problems": problems}, indent=2))
    else:
        say("\n".join([*map(site_words, sites), *problems]) or "No web server of this host has a site.")
    return FAILED if problems else DONE


def _csr(arguments: argparse.Namespace, settings: Settings, say: Say) -> int:
    names = check.names({"names": [name.lower() for name in arguments.names]})
    fields = {field: getattr(arguments, f"organization_{field}") for field in _SUBJECT}
    request = str(uuid.uuid4())
    keystore = Keystore(make_folder(settings.state) / "keys")
    csr, spki = keystore.make_csr(
        request, names, names[0], check.organization({"organization": fields}), arguments.key_algorithm
    )
    keystore.settle(request)
    if arguments.out is not None:
        arguments.out.write_text(csr, "ascii")
    if arguments.json:
        say(json.dumps({"csr_pem": csr, "spki_sha256": spki, "names": names}, indent=2))
    elif arguments.out is None:
        say(csr.rstrip())
    else:
        say(f"CSR for {', '.join(names)}: {arguments.out}. Its key stays here, SPKI SHA-256 {spki}")
    return DONE


def _install(arguments: argparse.Namespace, settings: Settings, say: Say) -> int:
    worker = Worker(settings)
    worker.installer.recover()
    leaf, chain = _from_files(arguments.certificate, arguments.chain)
    known = read_pem(leaf)
    job_id = str(uuid.uuid4())
    outcome = worker.installer.install(
        job_id,
        {
            "web_server": _kind(worker.servers, arguments),
            "site_name": arguments.site,
            "certificate_pem": leaf,
            "chain_pem": "".join(chain),
            "serial": known.serial,
            "spki_sha256": known.spki_sha256,
            "names": list(known.dns_names),
        },
        Steps(lambda step: None if arguments.json else say(f"{step['name']}: {step['detail']}".rstrip(": "))),
    )
    worker.outcomes.delivered(job_id)  # whoever asked for it sees it here
    return _told(outcome, arguments, say)


def _rollback(arguments: argparse.Namespace, settings: Settings, say: Say) -> int:
    rollback.run(arguments, settings, say)
    return DONE


def _told(outcome: Outcome, arguments: argparse.Namespace, say: Say) -> int:
    if arguments.json:
        shown = {"succeeded": outcome.succeeded, "reason": outcome.reason, "code": outcome.code, **outcome.result}
        say(json.dumps({**shown, "rolled_back": outcome.rolled_back, "steps": outcome.steps}, indent=2))
    else:
        say(installed_words(outcome, arguments.site))
    if outcome.succeeded:
        return DONE
    return FAILED if outcome.rolled_back else BROKEN


def _check(arguments: argparse.Namespace, settings: Settings, say: Say) -> int:
    servers = settings.servers()
    site = {"web_server": _kind(servers, arguments), "site_name": arguments.site}
    if arguments.certificate is not None:
        expected = read_pem(_from_files(arguments.certificate, None)[0]).serial
    else:
        expected = _set_to(servers, site)
    found = report.check_installation(servers, {**site, "expected_serial": expected})
    say(json.dumps(found, indent=2) if arguments.json else served_words(found))
    return DONE if found["correct"] else FAILED


def _set_to(servers: Sequence[WebServer], site: dict[str, str]) -> str:
    """The serial of the certificate that the configuration names. Raises Refused."""
    for one in report.sites(servers)[0]:
        if (one["web_server"], one["name"]) == (site["web_server"], site["site_name"]):
            for binding in one["bindings"]:
                if binding["certificate"]:
                    return str(binding["certificate"]["serial"])
    raise Refused(f"the configuration names no certificate for {site['site_name']}: say which by --certificate")


def _kind(servers: Sequence[WebServer], arguments: argparse.Namespace) -> str:
    """The kind of web server that has the site. Raises Refused for none, or more than one."""
    kinds = sorted(
        {
            server.kind
            for server in servers
            if arguments.web_server in (None, server.kind)
            for site in server.sites()
            if site.name == arguments.site
        }
    )
    if not kinds:
        raise Refused(f"there is no site {arguments.site} on this host: see `standalone sites`", "site_gone")
    if len(kinds) > 1:
        raise Refused(f"{arguments.site} is a site of {' and '.join(kinds)}: say which by --web-server")
    return kinds[0]


def _from_files(certificate: Path, chain: Path | None) -> tuple[str, list[str]]:
    """The leaf and its chain. Raises Refused."""
    found = _pems(certificate)
    if chain is not None:
        found = found[:1] + [pem for pem in found[1:] + _pems(chain) if pem not in found[:1]]
    return found[0], list(dict.fromkeys(found[1:]))


def _pems(path: Path) -> list[str]:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_PEM:
            raise Refused(f"{path} is not a file of at most {_MOST_PEM // 1024} KiB")
        content = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None
    found = check.certificates({str(path): content}, str(path), most=10)
    if not found:
        raise Refused(f"{path} holds no PEM certificate")
    return found
