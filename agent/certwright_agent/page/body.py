# SPDX-License-Identifier: Apache-2.0
"""The page's HTML, without a script. All that is not written here goes through `_text`."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from certwright_agent.page.enrolling import Enrolling
from certwright_agent.page.shown import Question, Shown
from certwright_agent.remote.trouble import CONNECTED, HOST_KEY_CHANGED, KEYS_MISSING, NOT_CONNECTED, OUTDATED
from certwright_agent.report import place

_AGAIN = '<a class="button" href="./">I have typed it: look again</a>'
_FIRST = "<p>First enrol the agent.</p>"
_STATES = {
    CONNECTED: ("Connected", ""),
    NOT_CONNECTED: ("Not connected", "Is it on, and does its SSH server answer there? The agent goes on trying."),
    OUTDATED: ("Outdated", "Install Python 3.9 or later there as python3, then look again."),
    KEYS_MISSING: ("Keys missing", "Bring the agent's key there: “Copy to a host”, or add the public key by hand."),
    HOST_KEY_CHANGED: (
        "Host key changed",
        "Nothing is done there. Find out why; if it is right, remove the server and add it again.",
    ),
}


def page(told: Mapping[str, Any], *, running: bool, public_key: str, enrolling: Enrolling, shown: Shown) -> str:
    """The whole page. It never changes by itself: what waits has a link to look again."""
    sections = [
        _notice(shown),
        _question(shown.question) if shown.question else "",
        _agent(told, running=running),
        _enrolment(told, enrolling, running=running),
        _keys(public_key) if told["enrolled"] else _section("Set SSH keys", _FIRST),
        _servers(told["servers"], shown.seen) if told["enrolled"] else _section("Servers over SSH", _FIRST),
        _sites(told["sites"], told["problems"]),
    ]
    return _document("".join(sections))


def failure(reason: str) -> str:
    """When nothing can be told."""
    return _document(f'<section><h2>Agent</h2><p class="bad">{_text(reason)}</p></section>')


def _document(content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Certwright agent</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="style.css"></head><body><header><h1>Certwright agent</h1></header>'
        f"<main>{content}</main></body></html>"
    )


def _notice(shown: Shown) -> str:
    if not shown.notice:
        return ""
    heading = '<h2 class="bad">Not done</h2>' if shown.failed else "<h2>Done</h2>"
    return f'<section role="status">{heading}<pre>{_text(shown.notice)}</pre></section>'


def _agent(told: Mapping[str, Any], *, running: bool) -> str:
    facts = told["facts"]
    if not told["enrolled"]:
        state = "Not enrolled"
    else:
        state = "Enrolled and running" if running else "Enrolled, not running: start its service, or the command run"
    return _section(
        "Agent",
        _facts(
            ("State", state),
            ("Version", told["version"]),
            ("UID", told["uid"]),
            ("Gateway", told["gateway"]),
            ("Host", facts["hostname"]),
            ("System", facts["os"]),
            ("Web servers", ", ".join(facts["web_servers"]) or "none that it knows"),
        ),
    )


def _enrolment(told: Mapping[str, Any], enrolling: Enrolling, *, running: bool) -> str:
    if told["enrolled"]:
        return ""
    if enrolling.question:
        content = f"<p>{_text(enrolling.question)}</p>" + _form(
            "finish", _hidden(yes="yes") + _button("Finish verification")
        ) + _form("finish", _hidden(yes="no") + _button("Refuse", quiet=True))  # fmt: skip
    elif enrolling.under_way:
        content = f'<pre role="status">{_text(enrolling.words or "Making a code …")}</pre><p>{_AGAIN}</p>'
    elif running:
        content = "<p>The agent runs, and shows its code on its own terminal.</p>"
    else:
        failed = f'<p class="bad">{_text(enrolling.failure)}</p>' if enrolling.failure else ""
        content = f"{failed}<p>A one-time code is made here and typed in the console.</p>" + _form(
            "enroll", _button("Show the code")
        )
    return _section("Enrolment", content)


def _keys(public_key: str) -> str:
    if public_key:
        ways = f"<p>The public key, for the users' ~/.ssh/authorized_keys:</p><pre>{_text(public_key)}</pre>"
        ways += '<h3>Copy to a host</h3><p class="soft">The user\'s password is used once and not kept.</p>'
        return _section("SSH keys", ways + _form("ask-copy", _where() + _button("Look at its host key")))
    return _section(
        "Set SSH keys",
        "<h3>Generate on the vendor's server</h3>"
        '<p class="soft">Off: a private key that was made elsewhere is not yours alone. It is made on this host and '
        "never leaves it.</p>"
        '<form><button type="button" disabled>Generate there</button></form>'
        "<h3>Generate here, then copy to my Linux host</h3>"
        '<p class="soft">An Ed25519 pair. The next step asks for address, login, password and port of the host.</p>'
        + _form("make-keys", _button("Generate keys"))
        + "<h3>Provide generated keys</h3>"
        '<p class="soft">A private key without a passphrase, in a file on this host.</p>'
        + _form("bring-keys", _field("private", "Path of the private key") + _button("Use this key")),
    )


def _question(question: Question) -> str:
    fields = dict(question.fields)
    more = _field("password", f"Password of {fields['user']}", kind="password") if question.way == "copy" else ""
    verb = "It is the same: copy the key" if question.way == "copy" else "It is the same: add the server"
    return _section(
        "Is this the host's own key?",
        f"<p>{_text(fields['address'])}, port {_text(fields['port'])}, shows this key. Compare it with "
        "<code>ssh-keygen -lf</code> on that host.</p>"
        f"<pre>{_text(question.kind)} {_text(question.fingerprint)}</pre>"
        + _form(question.way, _hidden(**fields, fingerprint=question.fingerprint) + more + _button(verb))
        + _form("cancel", _button("Cancel", quiet=True)),
    )


def _servers(servers: list[dict[str, Any]], seen: Mapping[str, tuple[str, str]]) -> str:
    rows = "".join(_server(each, seen) for each in servers)
    listed = f"<ul>{rows}</ul>" + _form("look", _button("Look at all of them", quiet=True)) if servers else ""
    add = (
        "<h3>Add a remote Linux server</h3>"
        + _form(
            "ask-add",
            _where()
            + _field("name", "Name (may be empty)", required=False)
            + '<label class="tick"><input type="checkbox" name="sudo" value="yes"> It may run sudo -n python3</label>'
            + _button("Look at its host key"),
        )
    )  # fmt: skip
    return _section("Servers over SSH", (listed or "<p>None beside this host.</p>") + add)


def _server(server: Mapping[str, Any], seen: Mapping[str, tuple[str, str]]) -> str:
    where = f"{server['user']}@{server['address']}:{server['port']}"
    state, detail = seen.get(where, ("", ""))
    words, cure = _STATES.get(state, ("", ""))
    said = f"<br>{words}: {_text(detail)}" if words else ""
    said += f'<br><span class="soft">{cure}</span>' if cure else ""
    gone = _form(
        "remove",
        _hidden(address=server["address"], user=server["user"], port=str(server["port"]))
        + _button(f"Remove {server['name']}", quiet=True),
    )
    return (
        f"<li><strong>{_text(server['name'])}</strong> {_text(where)}{said}<br>"
        f'<span class="soft">{_text(server["host_key"])}</span>{gone}</li>'
    )


def _sites(sites: list[dict[str, Any]], problems: list[str]) -> str:
    rows = "".join(_site(site) for site in sites)
    trouble = "".join(f'<p class="bad">{_text(problem)}</p>' for problem in problems)
    return _section("Sites of this host", trouble + (f"<ul>{rows}</ul>" if sites else "<p>None found.</p>"))


def _site(site: Mapping[str, Any]) -> str:
    places = ", ".join(f"{place(binding)}{' TLS' if binding['tls'] else ''}" for binding in site["bindings"])
    until = next((b["certificate"]["not_after"][:10] for b in site["bindings"] if b["certificate"]), "")
    may = "may be written" if site["writable"] else f"may not be written: {site['reason']}"
    certificate = f"; certificate until {until}" if until else ""
    tone = "soft" if site["writable"] else "bad"
    return (
        f"<li><strong>{_text(site['name'])}</strong> {_text(site['web_server'])}<br>{_text(places)}{certificate}<br>"
        f'<span class="{tone}">{_text(site["config_path"])} {_text(may)}</span></li>'
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _facts(*facts: tuple[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{term}</dt><dd>{_text(value)}</dd>" for term, value in facts) + "</dl>"


def _where() -> str:
    return _field("address", "Server address") + _field("user", "Login") + _field("port", "Port", value="22")


def _form(action: str, content: str) -> str:
    return f'<form method="post" action="do/{action}" autocomplete="off">{content}</form>'


def _field(name: str, label: str, *, kind: str = "text", value: str = "", required: bool = True) -> str:
    needed = " required" if required else ""
    return f'<label>{_text(label)}<input type="{kind}" name="{name}" value="{_text(value)}"{needed}></label>'


def _hidden(**fields: str) -> str:
    return "".join(f'<input type="hidden" name="{name}" value="{_text(value)}">' for name, value in fields.items())


def _button(words: str, *, quiet: bool = False) -> str:
    return f"<button{' class=quiet' if quiet else ''}>{_text(words)}</button>"


def _text(value: object) -> str:
    return html.escape(str(value))
