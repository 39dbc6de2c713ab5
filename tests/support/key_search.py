# SPDX-License-Identifier: Apache-2.0
"""Private keys in what a run of tests left behind: databases, logs, messages, every file (issue 6, "must show" 6).

    python -m tests.support.key_search FOLDER…

Two searches over every file: for what any private key begins with, in PEM, DER, base64 and hexadecimal; and for the
secret numbers of the keys which the run itself made, wherever they stand. A key's rightful places are left out, by
`meant`. The answer is one JSON object. grep(1) does the reading: it is much faster than we are.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

CELLS = ".cells"
SHARE = 16  # bytes of a secret number in a row: no chance meeting

_PEM = re.compile(rb"-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
# The folder of the product, by its path below what is searched, in which there is one place for keys: the CA's.
_OF_THE_PRODUCT = re.compile(r"(?:^|/)data/(?!ca/)")
# By their path: copies of our own program, which knows how a key begins.
ALSO_MEANT = (re.compile(r"\.(py|ts|tsx)$"),)
LARGEST_KEY_FILE = 1 << 20

# What a key begins with. DER: PKCS#8 (RFC 5958 §2) with its algorithm, SEC 1 (RFC 5915 §3), PKCS#1 (RFC 8017 A.1.2).
_STARTS = {
    "RSA": bytes.fromhex("02010030 0d 06092a864886f70d010101 0500 04"),
    "P-256": bytes.fromhex("02010030 13 06072a8648ce3d0201 06082a8648ce3d030107 04"),
    "P-384": bytes.fromhex("02010030 10 06072a8648ce3d0201 06052b81040022 04"),
    "P-521": bytes.fromhex("02010030 10 06072a8648ce3d0201 06052b81040023 04"),
    "Ed25519": bytes.fromhex("02010030 05 06032b6570 04220420"),
    "SEC 1, P-256": bytes.fromhex("30770201010420"),
    "SEC 1, P-384": bytes.fromhex("3081a40201010430"),
    "PKCS#1, 2048 bits": bytes.fromhex("0201000282010100"),
    "PKCS#1, 4096 bits": bytes.fromhex("0201000282020100"),
}


class Found(NamedTuple):
    """A private key where none may be. `what` says how it was recognised, never what it is."""

    path: str
    what: str


def in_base64(secret: bytes) -> Iterator[bytes]:
    """What stays of a secret in base64 at each of the three offsets: the characters at the ends depend on others."""
    for offset in range(3):
        yield base64.b64encode(b"\0" * offset + secret)[(offset * 8 + 5) // 6 :].rstrip(b"=")[:-1]


def spellings(secret: bytes) -> set[bytes]:
    """A secret as it is, in hexadecimal, in base64, and in base64 for URLs."""
    texts = [secret.hex().encode(), secret.hex().upper().encode(), *in_base64(secret)]
    return {secret, *texts, *(text.translate(bytes.maketrans(b"+/", b"-_")) for text in texts)}


def secret_numbers(text: bytes) -> Iterator[bytes]:
    """The numbers that nobody else may know, of every private key in a text that is PEM and not encrypted."""
    for match in _PEM.finditer(text):
        load = load_ssh_private_key if match[1].startswith(b"OPENSSH") else load_pem_private_key
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                key = load(match[0], None)
        except (TypeError, ValueError):  # encrypted, or the test wanted it broken
            continue
        if isinstance(key, ec.EllipticCurvePrivateKey):
            numbers = [key.private_numbers().private_value]
        elif isinstance(key, rsa.RSAPrivateKey):
            numbers = [key.private_numbers().d, key.private_numbers().p]
        else:
            yield key.private_bytes_raw()  # type: ignore[union-attr]
            continue
        yield from (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers)


def write_cells(folder: Path) -> None:
    """Beside each SQLite file what is in its tables: a long value lies in pieces in the file itself."""
    for file in folder.rglob("*.sqlite3"):
        with suppress(sqlite3.DatabaseError, OSError), closing(sqlite3.connect(file)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            with file.with_name(file.name + CELLS).open("wb") as out:
                for (table,) in tables:
                    for row in connection.execute(f'SELECT * FROM "{table}"'):
                        out.writelines(_bytes(cell) + b"\n" for cell in row if isinstance(cell, (str, bytes)))


def _bytes(cell: str | bytes) -> bytes:
    return cell if isinstance(cell, bytes) else cell.encode()


def search(*folders: Path) -> tuple[int, int, list[Found]]:
    """How many files there are, how many keys were known by their numbers, and what was found."""
    for folder in folders:
        write_cells(folder)
    known = {number for path in _key_files(folders) for number in secret_numbers(path.read_bytes())}
    numbers = {share for number in known if (share := _share(number))}
    patterns = {text: f"begins like {name}" for name, start in _STARTS.items() for text in spellings(start)}
    patterns |= {text: "a secret number of a key of this run" for each in numbers for text in spellings(each)}
    patterns[b"PRIVATE KEY-----"] = "PEM"
    found = {
        Found(str(path.relative_to(folder)), what)
        for folder in folders
        for path, what in _grep(folder, patterns)
        if not meant(path, folder)
    }
    files = sum(1 for folder in folders for path in folder.rglob("*") if path.is_file())
    return files, len(numbers), sorted(found)


def meant(path: Path, folder: Path) -> bool:
    """Whether a file is where a private key belongs: a file of PEM and nothing else, as agents, web servers and tests
    keep theirs, but among the product's own files only in the CA's folder; and what `ALSO_MEANT` names."""
    place = str(path.relative_to(folder))
    if any(each.search(place) for each in ALSO_MEANT):
        return True
    if _OF_THE_PRODUCT.search(place) or path.stat().st_size > LARGEST_KEY_FILE:
        return False
    return not _BLOCK.sub(b"", path.read_bytes()).strip()


def _share(number: bytes) -> bytes:
    """Some bytes in a row that no chance brings together, without a newline; nothing of a number that has none."""
    windows = (number[place : place + SHARE] for place in range(len(number) - SHARE + 1))
    return next((each for each in windows if b"\n" not in each and len(set(each)) > SHARE // 2), b"")


def _key_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Files that a key may lie in and that hold one in PEM."""
    for folder in folders:
        for path, _ in _grep(folder, {b"PRIVATE KEY-----": "PEM"}):
            if meant(path, folder):
                yield path


def _grep(folder: Path, patterns: dict[bytes, str]) -> Iterator[tuple[Path, str]]:
    """The files with a text of `patterns` in them, and what it is. Pipes, sockets and devices are left alone."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(patterns))  # a pattern ends at a newline, so that none may hold one
        file.flush()
        argv = ["grep", "-raoFHZ", "-f", file.name, "--", str(folder)]
        done = subprocess.run(argv, capture_output=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    for line in set(done.stdout.split(b"\n")):
        path, _, text = line.partition(b"\0")
        if path:
            yield Path(path.decode(errors="surrogateescape")), patterns.get(text, "a key")


def main() -> None:
    """Prints what was found below the folders that the command line names."""
    files, keys, found = search(*map(Path, sys.argv[1:]))
    print(json.dumps({"files": files, "keys": keys, "found": [each._asdict() for each in found]}))


if __name__ == "__main__":
    main()
