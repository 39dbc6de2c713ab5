# SPDX-License-Identifier: Apache-2.0
"""`certwright ca`: the key ceremony, the root's way offline, and another issuing CA.

These work on the CA's folder itself, or on a machine of their own, while services run or not; none asks the API.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from certwright.commands import ca_secrets as secret_input
from certwright.commands.ca_secrets import PassphraseFile, ca_problems, place
from certwright.commands.output import JSONOption, console, print_json
from shared.clock import SystemClock

app = typer.Typer(help="The built-in CA's keys: ceremony, root offline, rotation.", no_args_is_help=True)

Witness = Annotated[list[str] | None, typer.Option("--witness", help="Who watches; may be repeated.")]
By = Annotated[str, typer.Option("--by", help="Who does this; else the user of this machine.")]
KEYS = "ec-p256, ec-p384, rsa-2048, rsa-3072 or rsa-4096"


@app.command("ceremony")
@ca_problems
def ceremony(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    organization: Annotated[str, typer.Option(help="In the names of root and issuing CA.")],
    public_url: Annotated[str, typer.Option(help="Where the server will publish, such as http://pki.example.com/pki.")],
    country: Annotated[str, typer.Option(help="Two capital letters.")] = "",
    root_name: Annotated[str, typer.Option(help="Else “<organization> Root CA”.")] = "",
    issuing_name: Annotated[str, typer.Option(help="Else “<organization> Issuing CA 1”.")] = "",
    root_key_type: Annotated[str, typer.Option(help=KEYS)] = "ec-p384",
    issuing_key_type: Annotated[str, typer.Option(help=KEYS)] = "ec-p256",
    root_days: Annotated[int, typer.Option(min=365, max=9132)] = 20 * 365,
    issuing_days: Annotated[int, typer.Option(min=90, max=9132)] = 10 * 365,
    root_list_days: Annotated[
        int, typer.Option(min=0, max=9132, help="How long the root's revocation list is good; 0: as the issuing CA.")
    ] = 0,
    passphrase_file: PassphraseFile = None,
    issuing_passphrase_file: Annotated[
        Path | None, typer.Option(help="The issuing key's passphrase; else one is made beside that key.")
    ] = None,
    witness: Witness = None,
    by: By = "",
    as_json: JSONOption = False,
) -> None:
    """Make a root and an issuing CA on a machine that need not have a network, with a transcript."""
    from services.ca.adapters.ceremony import hold
    from services.ca.adapters.founding import Plan
    from services.ca.adapters.transcript import whoever

    plan = Plan(
        organization=secret_input.name(organization, "--organization", most=40),
        root_name=secret_input.name(root_name, "--root-name") if root_name else "",
        issuing_name=secret_input.name(issuing_name, "--issuing-name") if issuing_name else "",
        country=secret_input.country(country),
        root_algorithm=secret_input.algorithm(root_key_type, "--root-key-type"),
        issuing_algorithm=secret_input.algorithm(issuing_key_type, "--issuing-key-type"),
        root_days=root_days,
        issuing_days=issuing_days,
        list_days=root_list_days,
        base=secret_input.address(public_url),
    )
    chosen, made = secret_input.new_secret(passphrase_file, quiet=as_json)
    transcript = hold(
        plan,
        out,
        root_secret=chosen,
        passphrase_file=issuing_passphrase_file,
        by=by or whoever(),
        witnesses=witness or [],
        now=SystemClock().now(),
    )
    if as_json:
        print_json(transcript.document())
        return
    console.print(transcript.text(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"All of it is in {out}. Move {out}/ca to the server, {out}/offline to the safe.", markup=False)
    secret_input.show_once(made)


@app.command("show")
@ca_problems
def show(as_json: JSONOption = False) -> None:
    """Tell which issuing CAs there are, and where the root's key is."""
    from services.ca.adapters.certify import common_name
    from services.ca.adapters.key_store import RootKey, load
    from services.ca.adapters.rotation import fingerprint, pending

    folder, passphrase, _ = place()
    store = load(folder, passphrase)
    waiting = pending(folder)
    found: dict[str, Any] = {
        "folder": str(folder),
        "root": {
            "name": common_name(store.active.root),
            "sha256": fingerprint(store.active.root),
            "not_after": store.active.root.not_valid_after_utc.isoformat(),
            "key": store.root_key.value,
        },
        "issuers": [
            {
                "number": each.number,
                "name": common_name(each.issuing),
                "sha256": fingerprint(each.issuing),
                "not_after": each.issuing.not_valid_after_utc.isoformat(),
                "signs": each is store.active,
            }
            for each in store.issuers
        ],
        "request": common_name(waiting.csr) if waiting else None,
    }
    if as_json:
        print_json(found)
        return
    root = found["root"]
    said = {
        RootKey.BESIDE: "beside the issuing key: run `certwright ca take-root-offline`",
        RootKey.WITH_PASSPHRASE: f"in {folder}/offline with its passphrase: move both away, to two places",
        RootKey.SEALED: f"sealed in {folder}/offline, its passphrase elsewhere: move the folder away",
        RootKey.AWAY: "not on this machine's CA folder",
    }
    console.print(f"Root     {root['name']}, until {root['not_after'][:10]}", markup=False)
    console.print(f"  key    {said[store.root_key]}", markup=False, soft_wrap=True)
    for each in found["issuers"]:
        does = "signs" if each["signs"] else "speaks for what it signed"
        console.print(f"Issuer {each['number']} {each['name']}, until {each['not_after'][:10]}, {does}", markup=False)
    if waiting:
        console.print(f"A request for {found['request']} waits for its certificate.", markup=False)


@app.command("take-root-offline")
@ca_problems
def take_root_offline(
    to: Annotated[Path | None, typer.Option(help="The sealed file; else offline/root.key.pem in the folder.")] = None,
    passphrase_file: PassphraseFile = None,
    by: By = "",
    as_json: JSONOption = False,
) -> None:
    """Seal the root's key that an older release left beside the issuing key, and destroy it there."""
    from services.ca.adapters.key_store import load
    from services.ca.adapters.offline_root import refuse_done, take_offline
    from services.ca.adapters.self_check import Check
    from services.ca.adapters.transcript import whoever, write_up

    folder, passphrase, _ = place()
    refuse_done(load(folder, passphrase), folder)  # before anybody is asked for a passphrase
    chosen, made = secret_input.new_secret(passphrase_file, quiet=as_json)
    secret_input.show_once(made)  # before the old key is destroyed
    now = SystemClock().now()
    taken = take_offline(folder, passphrase, root_secret=chosen, to=to, now=now)
    transcript = write_up(
        "The root's key was taken offline",
        at=now,
        by=by or whoever(),
        certificates={"Root": taken.root},
        checks=[
            Check("the sealed key opens with its passphrase and is the root's", ok=True),
            Check("the key beside the issuing key is destroyed", not (folder / "root.key.pem").exists()),
        ],
        files={str(taken.key_file): taken.key_file},
        notes=["Backups and snapshots made before still hold the old file; the service's passphrase opens it."],
    )
    secret_input.keep(transcript, folder, "take-root-offline")
    if as_json:
        print_json(transcript.document())
        return
    console.print(transcript.text(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"Move {taken.key_file} away from this machine.", markup=False)


def register(root: typer.Typer) -> None:
    """Adds the commands."""
    from certwright.commands import ca_rotation

    ca_rotation.add(app)
    root.add_typer(app, name="ca")
