# SPDX-License-Identifier: Apache-2.0
"""Certificates as a company with a hundred thousand of them has: drawn by a fixed seed, written as scans write them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from services.discovery import bootstrap
from services.discovery.model.sighting import Sighting
from services.discovery.projections.rows import insert_certificates, keep_bytes
from services.discovery.tables import places
from shared.clock import to_text
from shared.contracts.discovery import Place

ACCOUNT = "01a20000-0000-7000-8000-000000000001"
BATCH = 1000
WORDS = ("shop", "www", "mail", "api", "vpn", "intranet", "db", "cache", "erp", "crm", "web", "portal", "git", "build")
BRANDS = ("Let's Encrypt", "DigiCert", "Sectigo", "GlobalSign", "Google Trust Services", "Entrust", "Amazon", "")
LEVELS = ("DV", "DV", "DV", "DV", "OV", "OV", "EV", "")
KEYS = ("rsa 2048", "rsa 2048", "rsa 2048", "rsa 4096", "ecdsa P-256", "ecdsa P-384", "ed25519")
PEM_LINES = 24  # of 64 characters: what a certificate with an RSA key of 2048 bits and CT stamps takes
CHAIN_LINES = 40
REUSED = 0.06  # of the certificates have the key of another


def sightings(count: int, now: datetime, seed: int = 4) -> Iterator[Sighting]:
    """`count` certificates; the same ones each time."""
    chance = random.Random(seed)
    keys: list[str] = []
    for number in range(count):
        names = tuple(
            f"{chance.choice(WORDS)}-{number}.dept{number % 300}.{chance.choice(('example.com', 'example.org'))}"
            for _ in range(chance.choice((1, 1, 1, 2, 3)))
        )
        brand = chance.choice(BRANDS)
        issuer = f"CN={brand or 'Internal'} CA {number % 40},O={brand or 'Example'},C=US"
        subject = f"CN={names[0]},O=Example Department {number % 300},C=DE"
        fingerprint = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
        if not keys or chance.random() > REUSED:
            keys.append(hashlib.sha256(f"key {number}".encode()).hexdigest())
        key = keys[-1] if chance.random() > 0.01 else chance.choice(keys)
        start = now - timedelta(days=chance.randrange(1, 300), seconds=chance.randrange(86_400))
        yield Sighting(
            fingerprint=fingerprint,
            serial=fingerprint[:32].upper(),
            common_name=names[0],
            names=names,
            subject=subject,
            issuer=subject if number % 25 == 0 else issuer,
            not_before=to_text(start),
            not_after=to_text(start + timedelta(days=chance.choice((90, 200, 397)))),
            key_algorithm=chance.choice(KEYS),
            pem=lines_of(chance, PEM_LINES),
            brand=brand,
            level=chance.choice(LEVELS),
            spki=key,
        )


def lines_of(chance: random.Random, count: int) -> str:
    """Text that is as long as a PEM, and compresses no better."""
    return "".join(f"{chance.randbytes(32).hex()}\n" for _ in range(count))


def fill(app: bootstrap.App, count: int, account: str = ACCOUNT) -> None:
    """Writes `count` certificates with one place or two each, a thousand to a transaction."""
    now, chance = app.room.clock.now(), random.Random(7)
    at = to_text(now)
    chain = lines_of(chance, CHAIN_LINES)
    found = sightings(count, now)
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        some = {number: next(found) for number in numbers}
        there = [row for number, one in some.items() for row in _places(account, one.fingerprint, at, number)]
        with app.room.database.write() as connection:
            insert_certificates(connection, account, [one for number, one in some.items() if number % 50], at)
            for number in (number for number in numbers if number % 50 == 0):
                insert_certificates(connection, account, [some[number]], at, order_id=f"order-{number}")
            keep_bytes(connection, account, [(one, chain) for one in some.values()])
            connection.execute(sa.insert(places), there)
    if app.room.database.dialect == "postgresql":  # autovacuum does so in time; a measurement does not wait for it
        with app.room.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _places(account: str, fingerprint: str, at: str, number: int) -> list[dict[str, Any]]:
    source = "agent" if number % 10 == 0 else "scan"
    server = f"server-{number % 200}" if source == "agent" else ""
    found = []
    for spot in range(1 + number % 2):
        address = f"198.18.{number % 256}.{spot + 1}"
        place = Place(source=source, seen_at=at, server_id=server, address=address, port=443)
        key = {"id": f"{account} {number} {spot}", "account_id": account, "fingerprint": fingerprint}
        found.append({**key, **msgspec.structs.asdict(place)})
    return found
