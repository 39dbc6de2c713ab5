# SPDX-License-Identifier: Apache-2.0
"""HAProxy: a site is a certificate of its `bind` lines, which go on naming the file whose content changes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from certwright_agent.certificates import first_in_file
from certwright_agent.errors import Refused, StepFailed
from certwright_agent.files import Roots
from certwright_agent.process import run
from certwright_agent.webservers import haproxy_tree
from certwright_agent.webservers.haproxy_master import Master
from certwright_agent.webservers.haproxy_tree import Bind, Configuration, Use
from certwright_agent.webservers.placement import Placement, Staged, Verdict, combined, part, why_not_placed
from certwright_agent.webservers.site import Block, Change, Listener, Material, Plan, Site, group, is_plain_name

_DH = re.compile(rb"-----BEGIN ((?:X9\.42 )?DH PARAMETERS)-----.+?-----END \1-----\n?", re.DOTALL)
# `-c` loads the certificate of a bind and opens no socket.
_TRIAL = "defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend trial\n"


@dataclass(frozen=True)
class _Held:
    """A certificate on a bind: where it is asked for, by which names, and why it cannot be replaced."""

    bind: Bind
    use: Use
    block: Block
    names: tuple[str, ...]
    reason: str


class HAProxy:
    """One HAProxy: its program, its configuration files in their order, and the pid file of its master process."""

    kind = "haproxy"

    def __init__(self, *, binary: str, files: Sequence[Path], master: Master, roots: Roots) -> None:
        self.main = files[0]
        self.master = master
        self._binary = binary
        self._files = tuple(files)
        self._roots = roots

    def version(self) -> str:
        """Such as `HAProxy/2.6.12`; empty when the program is not there."""
        try:
            said = run([self._binary, "-v"], timeout=10).text()
        except StepFailed:
            return ""
        found = re.search(r"HAProxy version (\S+?)[-,\s]", said + " ")
        return f"HAProxy/{found.group(1)}" if found else ""

    def running(self) -> bool:
        """Whether the process in the pid file lives and is HAProxy."""
        return self.master.pid() is not None

    def sites(self) -> list[Site]:
        """Each certificate of each TLS bind, and the binds without TLS by their front end."""
        tree = haproxy_tree.read(self._configurations())
        held = self._held(tree)
        reasons: dict[Block, str] = {each.block: each.reason for each in held if each.reason}
        blocks = [each.block for each in held]
        for bind in tree.binds:
            if bind.listeners and not bind.listeners[0].tls:
                block = _block(bind, (), bind.listeners, "")
                blocks.append(block)
                reasons[block] = (
                    f"{bind.section} has no TLS here: give it a bind with `ssl crt FILE` and a first certificate, "
                    "then the agent renews that"
                )
        return [
            replace(site, reason=next((reasons[block] for block in site.blocks if block in reasons), ""))
            for site in group(self.kind, blocks, {})
        ]

    def plan(self, site: Site, _material: Material) -> Plan:
        """New content for the PEM files of the site, which every bind goes on naming. Raises Refused."""
        tree = haproxy_tree.read(self._configurations())
        self._check_process(tree)
        wanted = {(block.file, block.start, block.certificate_file) for block in site.blocks}
        held = [each for each in self._held(tree) if _identity(each) in wanted]
        if {_identity(each) for each in held} != wanted:
            raise Refused("the configuration changed meanwhile", "changed_meanwhile")
        placements: dict[Path, Placement] = {}
        for each in held:
            if each.reason:
                raise Refused(each.reason, "site_not_writable")
            for placement in _placements(each.use.path):
                placements[placement.path] = placement
        listeners = tuple(dict.fromkeys(listener for each in held for listener in each.block.listeners))
        if not listeners:
            raise Refused("the site listens on no TCP port", "config_unclear")
        return Plan((), listeners, placements=tuple(placements.values()), try_placed=self._try)

    def test(self) -> Verdict:
        """`haproxy -c` of all files."""
        done = run(self._test())
        return Verdict(done.ok, done.text())

    def test_candidate(self, changes: tuple[Change, ...], candidate: Path) -> Verdict:  # noqa: ARG002
        """The configuration stays as it is; the new content is tried by the plan."""
        return Verdict(ok=True, detail="")

    def candidate_path(self, token: str) -> Path:
        """None is written."""
        return self.main.parent / f".certwright-{token}.cfg"

    def procedure(self, *_hosts: str) -> tuple[str, str]:
        """`haproxy -c` of all files, and the signal for new workers."""
        return shlex.join(self._test()), f"SIGUSR2 to the master process of {self.master.pid_file}"

    def reload(self, *_hosts: str) -> Verdict:
        """New workers of the master process; old ones finish what they do."""
        return self.master.reload()

    def _test(self) -> list[str]:
        return [self._binary, "-c", *(word for path in self._files for word in ("-f", str(path)))]

    def _configurations(self) -> list[Path]:
        """The files themselves; of a folder those that HAProxy takes, in its order (`-f DIR`: *.cfg, sorted)."""
        found: list[Path] = []
        for path in self._files:
            inside = sorted(path.glob("*.cfg")) if path.is_dir() else [path]
            found += [each for each in inside if not each.name.startswith(".")]
        return found

    def _check_process(self, tree: Configuration) -> None:
        if self.master.pid() is None:
            raise Refused("haproxy is not running: start it, then try again", "not_running")
        if not self.master.is_master(tree.master_worker):
            raise Refused(
                "HAProxy runs without a master process, so that it cannot be reloaded: start it with -Ws",
                "reload_failed",
            )
        given = self.master.configurations()
        if given != [path.resolve() for path in self._files]:
            raise Refused(
                f"the running HAProxy reads {', '.join(map(str, given)) or 'no file that can be seen'}: name these in "
                "agent.json (config, more_configs)",
                "config_unclear",
            )

    def _held(self, tree: Configuration) -> list[_Held]:
        found: list[_Held] = []
        for bind in tree.binds:
            for use in bind.uses:
                stored = first_in_file(use.path)
                own = tuple(name.lower() for name in stored[0].dns_names) if stored else ()
                names = tuple(dict.fromkeys(own + use.filters))
                plain = next((name for name in use.filters if is_plain_name(name)), "")
                listeners = tuple(replace(listener, sni=plain) for listener in bind.listeners)
                block = _block(bind, names, listeners, str(use.path))
                reason = use.cause or bind.cause or self._not_writable(use.path, readable=stored is not None)
                found.append(_Held(bind, use, block, use.filters or own, reason))
        answers = _answers(found)
        return [replace(each, reason=each.reason or _rival(each, answers)) for each in found]

    def _not_writable(self, path: Path, *, readable: bool) -> str:
        extra = [path.with_name(path.name + ending) for ending in haproxy_tree.EXTRA[:3]]
        beside = next((each for each in extra if each.exists()), None)
        if beside is not None:
            return f"{beside} belongs to the present certificate alone: take it away, then try again"
        key = path.with_name(path.name + ".key")
        reason = why_not_placed(path, self._roots) or (why_not_placed(key, self._roots) if key.exists() else "")
        return reason or ("" if readable else f"{path} holds no certificate")

    def _try(self, staged: tuple[Path, ...]) -> Verdict:
        """Has HAProxy load each new PEM file on a bind of its own."""
        for number, path in enumerate(staged):
            if b"BEGIN CERTIFICATE" not in path.read_bytes():
                continue  # the key of the one before
            trial = path.with_name("trial.pem")
            key = staged[number + 1] if number + 1 < len(staged) else None
            alone = b"PRIVATE KEY" not in path.read_bytes() and key is not None
            try:
                trial.touch(mode=0o600)
                trial.write_bytes(path.read_bytes() + (key.read_bytes() if alone and key is not None else b""))
                line = f"  bind 127.0.0.1:1 ssl crt {trial}\n"
                done = run([self._binary, "-c", "-f", "/dev/stdin"], stdin=(_TRIAL + line).encode())
            finally:
                trial.unlink(missing_ok=True)
            if not done.ok:
                return Verdict(ok=False, detail=done.text())
        return Verdict(ok=True, detail="")


def _block(bind: Bind, names: tuple[str, ...], listeners: tuple[Listener, ...], certificate: str) -> Block:
    beside = f"{certificate}.key"
    key = beside if certificate and Path(beside).exists() else certificate
    return Block(bind.file, bind.start, bind.end, names, listeners, "", certificate, key_file=key)


def _identity(held: _Held) -> tuple[Path, int, str]:
    return (held.block.file, held.block.start, held.block.certificate_file)


_Asked = tuple[str, int, str]  # address, port, name


def _asked(held: _Held) -> list[_Asked]:
    return [(on.address, on.port, name) for on in held.block.listeners for name in held.names]


def _answers(held: list[_Held]) -> dict[_Asked, set[Path]]:
    """The certificate files that answer for each name on each socket."""
    found: dict[_Asked, set[Path]] = {}
    for each in held:
        for asked in _asked(each):
            found.setdefault(asked, set()).add(each.use.path)
    return found


def _rival(one: _Held, answers: dict[_Asked, set[Path]]) -> str:
    """Two certificates for one name on one socket, such as RSA beside ECDSA: which one is seen the client chooses."""
    several = next((answers[asked] for asked in _asked(one) if len(answers[asked]) > 1), None)
    if several is None:
        return ""
    return f"{' and '.join(map(str, sorted(several)))} answer for the same name; which one is served is not certain"


def _placements(path: Path) -> list[Placement]:
    """The PEM file with its key inside, or beside it as `FILE.key`; DH parameters in it stay."""
    key = path.with_name(path.name + ".key")
    present = path.read_bytes()
    kept = b"".join(found.group() for found in _DH.finditer(present))

    def content(staged: Staged) -> bytes:
        return combined(staged) + kept

    if b"PRIVATE KEY" in present or not key.exists():
        return [Placement(path, content)]
    return [
        Placement(path, lambda staged: staged["fullchain.pem"] + kept, secret=False),
        Placement(key, part("privkey.pem")),
    ]
