# SPDX-License-Identifier: Apache-2.0
"""Every certificate that the built-in CA signed below a folder, and what pkilint says of each (issue 5, "must show" 4).

    python -m tests.support.signed FOLDER

They are read from the logs that the tests leave behind: SQLite files, what was read from private PostgreSQL servers
before they went (`keep`), and clusters' servers, which are started once more. The answer is one JSON object. The kind
of a certificate is what pkilint takes it for, not what the CA's own linter was told.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from psycopg import sql

from certwright.servers import postgresql
from tests.support import stored_rows

# What an operator's own CA does where a public one must not (services/ca/adapters/lint.py says why).
ALLOWED = frozenset({"cabf.internal_domain_name", "cabf.internal_ip_address"})
ALLOWED_OF_CA = ALLOWED | {"cabf.serverauth.ca.country_attribute_absent"}
INSTALLED = ("ca.IssuingAuthorityInstalled", "ca.IssuingAuthorityRotated")
TYPES = (*INSTALLED, "ca.CertificateSigned")
KEPT = ".signed.json"
CLUSTER_OWNER = "certwright_admin"  # see certwright/cluster.py
END = "-----END CERTIFICATE-----"
WORKERS, WORTH_WORKERS = 2, 100


class Event(NamedTuple):
    """One event of a log of the CA."""

    type: str
    data: str
    at: str


class Signed(NamedTuple):
    """A certificate in PEM; `where` is the log or file that holds it, `at` when it was written there."""

    pem: str
    where: str
    at: str = ""


class Fault(NamedTuple):
    """What pkilint calls an error."""

    code: str
    subject: str
    where: str
    at: str


# --- where they are --------------------------------------------------------------------------------------------------


def below(folder: Path) -> Iterator[Signed]:
    """All below a folder, the same certificate perhaps several times."""
    for file in sorted(folder.rglob("ca.sqlite3")):
        yield from _signed(_in_file(file), file.parent)
        for name in ("root.pem", "issuing.pem"):
            yield from (Signed(each.read_text(), str(each)) for each in sorted((file.parent / "ca").rglob(name)))
    for file in sorted(folder.rglob(f"*{KEPT}")):
        yield from _signed([Event(*each) for each in json.loads(file.read_text())], file)
    for file in sorted(folder.rglob("pgdata/PG_VERSION")):
        yield from _signed(_in_cluster(file.parents[1]), file.parents[1])


def _in_file(file: Path) -> list[Event]:
    with closing(sqlite3.connect(file)) as connection:
        marks = ", ".join("?" * len(TYPES))
        query = f"SELECT type, data, recorded_at FROM events WHERE type IN ({marks})"
        with suppress(sqlite3.OperationalError):  # a database that was never filled
            return [Event(*row) for row in connection.execute(query, TYPES)]
    return []


def in_server(url: str) -> list[Event]:
    """The CA's events in all schemas of all databases of a PostgreSQL server, of which `url` is one."""
    found = []
    with psycopg.connect(url) as connection:
        names = [row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datallowconn")]
    for name in names:
        found += in_database(f"{url.rpartition('/')[0]}/{name}")
    return found


def in_database(url: str) -> list[Event]:
    """The CA's events in all schemas of one database."""
    found: list[Event] = []
    with psycopg.connect(url) as connection:
        schemas = connection.execute("SELECT table_schema FROM information_schema.tables WHERE table_name = 'events'")
        for (schema,) in schemas.fetchall():
            query = sql.SQL("SELECT type, data, recorded_at FROM {} WHERE type = ANY(%s)")
            rows = connection.execute(query.format(sql.Identifier(schema, "events")), [list(TYPES)])
            found += [Event(*map(str, row)) for row in rows]
    return found


def _in_cluster(folder: Path) -> list[Event]:
    """The log of a server whose files were left behind: it is started for a moment, for any local program."""
    programs = postgresql.bin_folder()
    assert programs is not None
    (folder / "pgdata" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    server = postgresql.Server(programs, folder, fast=True, user=CLUSTER_OWNER)
    server.initialise()
    try:
        server.start()
        stored_rows.keep_server(server.url("postgres"))
        return in_server(server.url("postgres"))
    finally:
        server.stop()


def keep(events: list[Event], file: Path) -> None:
    """Writes events where `below` finds them, before their database goes."""
    if events:
        file.with_name(file.name + KEPT).write_text(json.dumps(events))


def _signed(events: Iterable[Event], where: Path) -> Iterator[Signed]:
    """The certificates of the CA itself, and what it signed with them; other issuers answer for theirs.

    Its own it calls by their names; other issuers go by what the operator calls them.
    """
    read = [(event, json.loads(event.data)) for event in events]
    own = {_names(data["certificate_pem"]).subject for event, data in read if event.type in INSTALLED}
    for event, data in read:
        if event.type not in INSTALLED and _names(data["certificate_pem"]).called == data["issuer"]:
            own.add(_names(data["certificate_pem"]).issuer)
            yield Signed(data["chain_pem"].partition(END)[0] + END, str(where), event.at)
    for event, data in read:
        pem = data["certificate_pem"]
        if event.type in INSTALLED or _names(pem).issuer in own:
            yield Signed(pem, str(where), event.at)


class _Names(NamedTuple):
    subject: bytes
    issuer: bytes
    called: str


def _names(pem: str) -> _Names:
    """Who a certificate is for and from; `called` is the common name of the issuer."""
    loaded = x509.load_pem_x509_certificate(pem.encode())
    called = loaded.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return _Names(loaded.subject.public_bytes(), loaded.issuer.public_bytes(), str(called[0].value) if called else "")


# --- what is wrong with them -----------------------------------------------------------------------------------------


def faults_of(pem: str) -> list[str]:
    """What pkilint calls an error or worse in one certificate, but for what an operator's own CA may do."""
    loaded = _pkilint()
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    certificate = loaded.load(der)
    kind = loaded.kind_of(certificate)
    results = loaded.validator(kind).validate(certificate.root)
    left, _ = loaded.sift(loaded.superseded(kind), results)
    allowed = ALLOWED_OF_CA if certificate.is_ca else ALLOWED
    described = [each for result in left for each in result.finding_descriptions]
    return sorted({each.finding.code for each in described if each.finding.severity in loaded.errors} - allowed)


class _Loaded(NamedTuple):
    load: Any
    kind_of: Any
    validator: Any
    superseded: Any
    sift: Any
    errors: frozenset[Any]


@cache
def _pkilint() -> _Loaded:
    """Loading it takes most of a second, and is done when it is first needed."""
    from pkilint import finding_filter, loader
    from pkilint.cabf import serverauth
    from pkilint.pkix import certificate
    from pkilint.validation import ValidationFindingSeverity as Severity

    @cache
    def validator(kind: Any) -> Any:
        return certificate.create_pkix_certificate_validator_container(
            serverauth.create_decoding_validators(), serverauth.create_validators(kind)
        )

    return _Loaded(
        lambda der: loader.load_der_certificate(der, "certificate"),
        serverauth.determine_certificate_type,
        validator,
        cache(serverauth.create_serverauth_finding_filters),
        finding_filter.filter_results,
        frozenset({Severity.ERROR, Severity.FATAL}),
    )


def lint(found: Iterable[Signed]) -> tuple[int, list[Fault]]:
    """How many different certificates there are, and the faults of all."""
    once = {each.pem.strip(): each for each in found}
    faults: list[Fault] = []
    for each, codes in zip(once.values(), _judged(list(once)), strict=True):
        subject = x509.load_pem_x509_certificate(each.pem.encode()).subject.rfc4514_string()
        faults += [Fault(code, subject, each.where, each.at) for code in codes]
    return len(once), faults


def _judged(pems: list[str]) -> list[list[str]]:
    if len(pems) < WORTH_WORKERS:
        return [faults_of(pem) for pem in pems]
    with ProcessPoolExecutor(WORKERS) as pool:
        return list(pool.map(faults_of, pems, chunksize=20))


def main() -> None:
    """Prints what was found below the folder that the command line names."""
    certificates, faults = lint(below(Path(sys.argv[1])))
    print(json.dumps({"certificates": certificates, "faults": [each._asdict() for each in faults]}))


if __name__ == "__main__":
    main()
