# SPDX-License-Identifier: Apache-2.0
"""What the commands of `certwright ca` ask for: passphrases, names, kinds of keys, the CA's folder."""

from __future__ import annotations

import json
import os
import pwd
import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec

import typer

from certwright.commands.output import FAILED, console, errors

if TYPE_CHECKING:
    from services.ca.adapters.transcript import Transcript

P = ParamSpec("P")
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="The root's passphrase (0600); else it is asked for.")
]
_NAME = re.compile(r"[A-Za-z0-9 .,&'()-]+")


def ca_problems(command: Callable[P, None]) -> Callable[P, None]:
    """Says in one line what is wrong, and ends with status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from services.ca.adapters.key_files import KeyStoreError

        try:
            command(*args, **kwargs)
        except (KeyStoreError, OSError) as error:
            fail(str(error))

    return run


def fail(text: str) -> NoReturn:
    """Ends the command."""
    errors.print(text, markup=False, soft_wrap=True)
    raise typer.Exit(FAILED)


def place() -> tuple[Path, Path | None, str]:
    """The CA's folder, the file of its passphrase, and where it publishes, by the settings of this machine."""
    from services.ca.settings import CASettings
    from shared.settings import Settings

    settings, own = Settings(), CASettings()
    folder = own.folder or settings.data_dir / "ca"
    if not folder.is_dir():
        fail(f"There is no CA in {folder.resolve()}. Set CERTWRIGHT_DATA_DIR or CERTWRIGHT_CA_FOLDER.")
    owner = folder.stat().st_uid
    if owner != os.geteuid():  # what another user wrote, the service could not read at its next start
        fail(f"{folder} belongs to user {_user(owner)}: run this as that user (sudo -u {_user(owner)} …).")
    try:
        address = own.published_at(settings.public_url)
    except ValueError as error:
        fail(str(error))
    return folder, own.passphrase_file, address


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def secret(file: Path | None) -> bytes:
    """The root's passphrase, from a file or a person."""
    from services.ca.adapters.key_files import read_passphrase

    if file is not None:
        return read_passphrase(file)
    _refuse_unattended()
    typed: str = typer.prompt("Passphrase of the root's key", hide_input=True, err=True)
    return typed.strip().encode()


def new_secret(file: Path | None, *, quiet: bool) -> tuple[bytes, str]:
    """A new passphrase for the root's key, and the one to be shown where it was made here."""
    from services.ca.adapters.key_files import SHORTEST, new_passphrase, read_passphrase

    if file is not None:
        return read_passphrase(file), ""
    if quiet:
        fail("With --json the passphrase comes from a file: --passphrase-file.")
    _refuse_unattended()
    typed: str = typer.prompt(
        "Passphrase for the root's key (empty: one is made and shown once)", default="", show_default=False,
        hide_input=True, confirmation_prompt=True, err=True,
    )  # fmt: skip
    typed = typed.strip()
    if not typed:
        made = new_passphrase()
        return made.encode(), made
    if len(typed) < SHORTEST:
        fail(f"The passphrase has fewer than {SHORTEST} characters.")
    return typed.encode(), ""


def show_once(made: str) -> None:
    """Shows a passphrase that was made here."""
    if made:
        console.print(
            f"The passphrase of the root's key, shown this once and stored nowhere:\n\n    {made}\n", markup=False
        )


def keep(transcript: Transcript, folder: Path, what: str) -> Path:
    """Writes a transcript into the CA's folder, as text and as JSON; where the text is."""
    from services.ca.adapters.key_files import replace

    kept = folder / "transcripts"
    kept.mkdir(mode=0o700, exist_ok=True)
    stem = f"{re.sub('[^0-9]', '', transcript.at)[:14]}-{what}"
    replace(kept / f"{stem}.txt", transcript.text().encode())
    replace(kept / f"{stem}.json", json.dumps(transcript.document(), indent=2).encode())
    return kept / f"{stem}.txt"


def name(text: str, option: str, *, most: int = 64) -> str:
    """A name for a CA certificate."""
    if not _NAME.fullmatch(text) or not text.strip() or len(text) > most:
        raise typer.BadParameter(f"{option}: letters, digits and . , & ' ( ) - alone, at most {most} characters")
    return text.strip()


def country(text: str) -> str:
    """A country, or nothing."""
    if text and not re.fullmatch("[A-Z]{2}", text):
        raise typer.BadParameter("--country: two capital letters (ISO 3166-1)")
    return text


def algorithm(text: str, option: str) -> str:
    """A kind of key."""
    from services.ca.adapters.certify import ALGORITHMS

    if text not in ALGORITHMS:
        raise typer.BadParameter(f"{option}: one of {', '.join(ALGORITHMS)}")
    return text


def address(text: str) -> str:
    """Where what the root signs is fetched; plain HTTP, since BR 7.1.2.11 asks for it and nothing secret is there."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", text):
        raise typer.BadParameter("--public-url: an address such as http://pki.example.com/pki")
    return text.rstrip("/")


def _refuse_unattended() -> None:
    if not sys.stdin.isatty():
        fail("Nobody is there to be asked for the root's passphrase: --passphrase-file.")
