# SPDX-License-Identifier: Apache-2.0
"""`certwright ca rotate`, and its three parts for a root that never comes near the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certwright.commands import ca_secrets as secret_input
from certwright.commands.ca_secrets import PassphraseFile, ca_problems, place
from certwright.commands.output import JSONOption, console, print_json
from shared.clock import SystemClock

if TYPE_CHECKING:
    from services.ca.adapters.rotation import Requested

Algorithm = Annotated[str, typer.Option("--key-type", help="Of the new key; else as today's.")]
Name = Annotated[str, typer.Option("--name", help="Of the new issuing CA; else the organization's with a number.")]
By = Annotated[str, typer.Option("--by", help="Who does this; else the user of this machine.")]
Days = Annotated[int, typer.Option("--days", min=90, max=9132, help="How long the new issuing CA lasts.")]
RootKeyFile = Annotated[Path, typer.Option("--root-key", help="The root's sealed key, from where it is kept.")]
TEN_YEARS = 10 * 365


@ca_problems
def request(
    out: Annotated[Path | None, typer.Option(help="A file for the request; else it is printed.")] = None,
    key_type: Algorithm = "",
    name: Name = "",
    as_json: JSONOption = False,
) -> None:
    """Make the key of the next issuing CA here, and a request to carry to the root."""
    waiting = _requested(key_type, name)
    if out is not None:
        out.write_text(waiting.pem)
    if as_json:
        print_json({"number": waiting.number, "folder": str(waiting.place), "csr_pem": waiting.pem})
    elif out is None:
        typer.echo(waiting.pem, nl=False)
    else:
        console.print(f"The request is in {out}. Sign it where the root's key is:", markup=False)
        console.print(f"  certwright ca sign-issuing {out} --root root.pem --root-key root.key.pem --out issuing.pem")


@ca_problems
def sign_issuing(
    csr: Annotated[Path, typer.Argument(help="The request that was carried here.")],
    root: Annotated[Path, typer.Option(help="The root's certificate.")],
    root_key: RootKeyFile,
    out: Annotated[Path, typer.Option(help="A file for the issuing certificate.")],
    days: Days = TEN_YEARS,
    passphrase_file: PassphraseFile = None,
    by: By = "",
    as_json: JSONOption = False,
) -> None:
    """Sign a request with the root's key, on the machine where that is; no server, no network."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from services.ca.adapters.key_files import replace
    from services.ca.adapters.offline_root import open_root_key
    from services.ca.adapters.rotation import read_certificate, read_request, sign_request
    from services.ca.adapters.self_check import self_check
    from services.ca.adapters.transcript import whoever, write_up

    root_certificate = read_certificate(root)
    asked = read_request(csr.read_bytes())
    now = SystemClock().now()
    key = open_root_key(root_key, secret_input.secret(passphrase_file), root_certificate)
    issuing = sign_request(asked, root_certificate, key, days=days, now=now)
    replace(out, issuing.public_bytes(Encoding.PEM))
    transcript = write_up(
        "The root signed an issuing certificate",
        at=now,
        by=by or whoever(),
        certificates={"Root": root_certificate, "Issuing CA": issuing},
        checks=self_check(root_certificate, issuing, None, now=now),
        files={str(csr): csr, str(out): out},
    )
    replace(out.with_suffix(".transcript.txt"), transcript.text().encode())
    replace(out.with_suffix(".transcript.json"), json.dumps(transcript.document(), indent=2).encode())
    _say(transcript, as_json, f"Carry {out} to the server: certwright ca install-issuing {out}")


@ca_problems
def install_issuing(
    certificate: Annotated[Path, typer.Argument(help="The issuing certificate that the root signed.")],
    by: By = "",
    as_json: JSONOption = False,
) -> None:
    """Put the certificate of the waiting request in place; from then on that CA signs, without a restart."""
    from services.ca.adapters.rotation import read_certificate

    _installed(read_certificate(certificate), by, as_json, "install-issuing")


@ca_problems
def rotate(
    root_key: RootKeyFile,
    key_type: Algorithm = "",
    name: Name = "",
    days: Days = TEN_YEARS,
    passphrase_file: PassphraseFile = None,
    by: By = "",
    as_json: JSONOption = False,
) -> None:
    """Make another issuing CA under the same root, with the root's sealed key brought here for a moment."""
    from services.ca.adapters.key_store import load
    from services.ca.adapters.offline_root import open_root_key
    from services.ca.adapters.rotation import sign_request

    folder, passphrase, _ = place()
    root = load(folder, passphrase).active.root
    key = open_root_key(root_key, secret_input.secret(passphrase_file), root)
    waiting = _requested(key_type, name)
    issuing = sign_request(waiting.csr, root, key, days=days, now=SystemClock().now())
    _installed(issuing, by, as_json, "rotate")


def _requested(key_type: str, name: str) -> Requested:
    from services.ca.adapters.rotation import request as make

    folder, passphrase, base = place()
    algorithm = secret_input.algorithm(key_type, "--key-type") if key_type else ""
    title = secret_input.name(name, "--name") if name else ""
    return make(folder, passphrase, algorithm=algorithm, name=title, base=base)


def _installed(certificate: Any, by: str, as_json: bool, what: str) -> None:
    from services.ca.adapters.key_store import load
    from services.ca.adapters.rotation import install
    from services.ca.adapters.self_check import self_check
    from services.ca.adapters.transcript import whoever, write_up

    folder, passphrase, _ = place()
    now, who = SystemClock().now(), by or whoever()
    before = load(folder, passphrase).active.issuing
    number = install(folder, passphrase, certificate, by=who, now=now)
    active = load(folder, passphrase).active
    own = folder / f"issuer-{number}" if number > 1 else folder
    transcript = write_up(
        f"Issuing CA {number} was put in place",
        at=now,
        by=who,
        certificates={"Root": active.root, "Issuing CA": active.issuing, "Issuing CA before": before},
        checks=self_check(active.root, active.issuing, active.key, now=now),
        files={str(path.relative_to(folder)): path for path in own.glob("*.pem")},
        notes=["The CA before signs lists and answers about its own certificates until the last of them has ended."],
    )
    secret_input.keep(transcript, folder, what)
    _say(transcript, as_json, "The running service signs with it from now on.")


def _say(transcript: Any, as_json: bool, then: str) -> None:
    if as_json:
        print_json(transcript.document())
        return
    console.print(transcript.text(), markup=False, highlight=False, soft_wrap=True)
    console.print(then, markup=False, soft_wrap=True)


def add(app: typer.Typer) -> None:
    """Adds the commands to `certwright ca`."""
    app.command("rotate")(rotate)
    app.command("request")(request)
    app.command("sign-issuing")(sign_issuing)
    app.command("install-issuing")(install_issuing)
