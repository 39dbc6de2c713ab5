# SPDX-License-Identifier: Apache-2.0
"""Secrets stay where they belong (quality bar S9, S10, S24): the main job with known secrets, then a search for them.

Searched are every database file and every cell in it, the log, the mails, the metrics, what the agent printed, and
every answer of the API: for the secrets themselves and for what hexadecimal and base64 make of them; for private keys
by the secret numbers in them. The one answer, mail or file that a secret is meant for is left out, by name.
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
import re
import sqlite3
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

import pyotp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certwright.api_client import APIClient, ProblemError
from certwright.demo.customer import GOOD_CARD, Customer
from certwright.demo.story import SINGLE_PRODUCT, Story
from certwright.demo.world import World
from certwright.rooms import ROOMS

MAILED = "mail.blumen-winter.example"
MAILBOX = "admin@blumen-winter.example"
KEY_FILES = ("*.pem", "*.key")
WRONG_PASSWORD = "Canary-Wrong-Password-1"
NEXT_PASSWORD = "Canary-Next-Password-2"
COLLEAGUE = {"first": "Canary-First-Day-3", "temporary": "Canary-Temporary-4", "chosen": "Canary-Chosen-5"}
LISTS = (
    "/orders", "/agents", "/jobs", "/servers", "/sites", "/certificates", "/me", "/tokens", "/sessions", "/users",
    "/account", "/statement", "/balance", "/authorizations", "/alerts",
)  # fmt: skip
OF_THE_INSTALLATION = {"ca.CRLPublished", "ca.IssuingAuthorityInstalled"}
SHARE = 16  # bytes of a private number in a row: no chance meeting


class RecordingAPI(APIClient):
    """Keeps what was sent, and the text of every answer by its request."""

    def __init__(self, url, token=None):
        super().__init__(url, token)
        self.sent = []
        self.answers = {}
        self.cookies = set()
        self._session.hooks["response"].append(self._keep)

    def _keep(self, answer, **_):
        request = answer.request
        place = f"{request.method} {urllib.parse.urlsplit(request.url).path}"
        self.answers.setdefault(place, []).append(answer.content)
        self.cookies.update(cookie.value for cookie in answer.cookies)

    def call(self, method, path, body=None, **more):
        self.sent.append((path, body))
        return super().call(method, path, body, **more)

    def field(self, path, name):
        return next(body[name] for sent, body in self.sent if sent == path)


@dataclass
class Scene:
    """What there is to find, and where to look. `meant` names the places where a secret may stand."""

    secrets: dict[str, bytes] = field(default_factory=dict)
    meant: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, list[bytes]] = field(default_factory=dict)
    events: list[tuple[str, str | None]] = field(default_factory=list)

    def secret(self, name, value, *meant):
        self.secrets[name] = value if isinstance(value, bytes) else value.encode()
        self.meant[name] = set(meant)

    def place(self, name, *content):
        self.places.setdefault(name, []).extend(content)


def spellings(secret):
    """A secret as it is, in a URL, in hexadecimal, and in base64 at each of the three offsets."""
    yield secret
    if secret.isascii() and secret.decode().isprintable():
        yield urllib.parse.quote(secret.decode(), safe="").encode()
        yield json.dumps(secret.decode())[1:-1].encode()
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for offset in range(3):
        # The characters at the ends also depend on the neighbours.
        inner = base64.b64encode(b"\0" * offset + secret)[(offset * 8 + 5) // 6 :].rstrip(b"=")[:-1]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def private_numbers(pem):
    """The numbers of a private key that nobody else may know, as bytes."""
    key = serialization.load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = [key.private_numbers().private_value]
    elif isinstance(key, rsa.RSAPrivateKey):
        numbers = [key.private_numbers().d, key.private_numbers().p, key.private_numbers().q]
    else:
        return [key.private_bytes_raw()]
    return [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers]


def cells(path):
    """Every value of every table, as text or bytes; a value in SQLite may be cut over pages of the file."""
    database = sqlite3.connect(path)
    try:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, (str, bytes)):
                        yield value.encode() if isinstance(value, str) else value
    finally:
        database.close()


def owners(path):
    """The type and the account of every event of a room."""
    database = sqlite3.connect(path)
    try:
        rows = database.execute("SELECT type, metadata FROM events").fetchall()
    finally:
        database.close()
    return [(name, json.loads(metadata).get("account_id")) for name, metadata in rows]


def text_of(path):
    """What a mail says to people."""
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default).get_content()


def refused(call):
    with pytest.raises(ProblemError) as problem:
        call()
    assert problem.value.status < 500
    return problem.value.status


def ways_in(scene, customer, url, login):
    """Passwords, sessions, tokens, TOTP: each is used rightly and wrongly."""
    api = customer.api
    stranger = RecordingAPI(url)
    refused(lambda: stranger.post("/session", {"login": login, "password": WRONG_PASSWORD, "order_number": "1"}))
    enrolment = api.post("/me/totp")
    scene.secret("TOTP secret", enrolment["secret"], "POST /api/v1/me/totp")
    codes = api.post("/me/totp/confirm", {"code": pyotp.TOTP(enrolment["secret"]).now()})["codes"]
    for number, code in enumerate(codes):
        scene.secret(f"recovery code {number}", code, "POST /api/v1/me/totp/confirm")
    password = api.field("/sign-up", "password")
    stranger.post("/session", {"login": login, "password": password, "code": codes[0]})
    made = api.post("/tokens", {"name": "canary", "permissions": ["view", "create_order"]})
    scene.secret("API token", made["secret"], "POST /api/v1/tokens")
    program = RecordingAPI(url, made["secret"])
    program.get("/orders")
    program.get("/events", limit=200)
    api.call("PUT", "/me/password", {"current_password": password, "new_password": NEXT_PASSWORD})
    scene.secret("password", password)
    scene.secret("next password", NEXT_PASSWORD)
    scene.secret("wrong password", WRONG_PASSWORD)
    by_temporary_passwords(scene, api, stranger)
    for number, cookie in enumerate(sorted(api.cookies | stranger.cookies)):
        scene.secret(f"session {number}", cookie)
    return [stranger, program]


def by_temporary_passwords(scene, api, stranger):
    """A colleague whose password is another's to give, twice, and then their own."""
    login = "colleague@blumen-winter.example"
    asked = {"login": login, "password": COLLEAGUE["first"], "email": login, "permissions": ["view"]}
    user_id = api.post("/users", asked)["user_id"]
    api.post(f"/users/{user_id}/password", {"password": COLLEAGUE["temporary"], "remove_second_step": True})
    number = str(api.get("/account")["order_number"])
    steps = {"login": login, "password": COLLEAGUE["temporary"], "order_number": number}
    assert refused(lambda: stranger.post("/session", steps)) == 403
    stranger.post("/session", {**steps, "new_password": COLLEAGUE["chosen"]})
    for name, password in COLLEAGUE.items():
        scene.secret(f"{name} password of a colleague", password)


def proof_by_mail(scene, customer, data):
    """A name proved by the code of one mail, after its link was looked at; a key pasted in the place of a CSR."""
    api = customer.api
    order = customer.place_order(SINGLE_PRODUCT, [MAILED], "email")
    order_id = order["order_id"]
    customer.pay_by_card(order_id)
    customer.wait_for_payment(order_id)
    pasted = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert refused(lambda: api.call("PUT", f"/orders/{order_id}/csr", {"csr": pasted.decode()})) == 422
    refused(lambda: api.post("/csr/parse", {"csr": pasted.decode()}))
    [number] = private_numbers(pasted)
    scene.secret("pasted key", number[:SHARE])
    scene.secret("pasted key as PEM", b"".join(pasted.splitlines()[1:2]))
    server = api.get("/servers")["items"][0]
    customer.make_csr(order_id, server["server_id"])
    customer.authorizations(order_id, 1)
    api.call("PUT", f"/orders/{order_id}/authorizations/{MAILED}/method", {"method": "email", "email": MAILBOX})
    link = re.compile(r"(https?://\S+?)([A-Za-z0-9_-]{43})\b")

    def mail():
        found = [text_of(path) for path in sorted((data / "mail").rglob("*.eml"))]
        return next((text for text in found if MAILED in text and link.search(text)), None)

    text = customer._wait_for("the mail", mail)
    token = link.search(text)[2]
    code = re.search(r"^\s*([0-9A-Z]{8,})\s*$", text, re.MULTILINE)[1]
    scene.secret("mail token", token, "mails", f"GET /validation/{token}")
    scene.secret("mail code", code, "mails")
    api.get(f"/mail-confirmations/{token}")
    api.call("GET", f"{customer.api.url}/validation/{token}")
    api.post(f"/orders/{order_id}/authorizations/{MAILED}/code", {"code": code})
    customer.wait_for_status(order_id, "issued")
    return order_id


def ask_everything(api, order_ids):
    """Every page that a customer may read."""
    for order_id in order_ids:
        api.get(f"/orders/{order_id}")
        list(api.pages(f"/orders/{order_id}/history", most=1000))
    for path in LISTS:
        api.get(path)
    after, more = 0, True
    while more:
        page = api.get("/events", after=after, limit=200)
        more, after = bool(page["events"]), page["next_after"]
    api.call("GET", f"{api.url}/openapi.json")


def look_around(scene, world, data):
    """Fills the places with everything that the product wrote."""
    for path in (path for path in data.rglob("*") if path.is_file()):
        name = path.relative_to(data)
        scene.place("mails" if name.parts[0] == "mail" else f"data/{name}", path.read_bytes())
        if path.suffix == ".eml":
            scene.place("mails", text_of(path).encode())
        if path.suffix == ".sqlite3":
            scene.place(f"cells of {path.name}", b"\n".join(cells(path)))
            if path.stem in ROOMS:
                scene.events += owners(path)
    with urllib.request.urlopen(f"http://{world.operator['CERTWRIGHT_OPS_ADDRESS']}/metrics", timeout=10) as answer:
        scene.place("metrics", answer.read())
    scene.place("log", (world.folder / "certwright.log").read_bytes())
    scene.place("what the agent printed", (world.folder / "agent" / "agent.log").read_bytes())


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    scene = Scene()
    with World(folder, "embedded") as world:
        data = folder / "data"
        story = Story(world, lambda _text: None)
        customer = story.customer = Customer(world.url)
        api = customer.api = RecordingAPI(world.url)
        story.prepare()
        first = story.single_name_on_nginx()
        second = proof_by_mail(scene, customer, data)
        others = ways_in(scene, customer, world.url, api.field("/sign-up", "login"))
        agent_folder = folder / "agent"
        [token_file] = [path for path in agent_folder.rglob("token") if path.is_file()]
        scene.secret("agent token", token_file.read_text().strip())
        [(_, verified)] = [(path, body) for path, body in api.sent if path.endswith("/verify")][-1:]
        scene.secret("agent code", verified["code"], "what the agent printed")
        scene.secret("card", GOOD_CARD)
        scene.secret("claim", (data / "first-run-link").read_text().strip().partition("token=")[2], "log",
            "data/first-run-link")  # fmt: skip
        scene.secret("key of accounts", (data / "accounts.key").read_bytes(), "data/accounts.key")
        scene.secret("key of mails", (data / "dcv" / "mail.key").read_bytes(), "data/dcv/mail.key")
        customers = [p for pattern in KEY_FILES for place in ("agent", "nginx", "apache")
            for p in (folder / place).rglob(pattern) if b"PRIVATE KEY" in p.read_bytes()]  # fmt: skip
        assert customers
        for path in customers:
            for place, number in enumerate(private_numbers(path.read_bytes())):
                scene.secret(f"{path.name}, number {place}", number[:SHARE])
        ask_everything(api, [first["order_id"], second])
        for each in (api, *others):
            for name, answers in each.answers.items():
                scene.place(name, *answers)
        look_around(scene, world, data)
        for path in (data / "ca").rglob("*"):
            if path.is_file() and b"PRIVATE KEY" in path.read_bytes() and b"ENCRYPTED" not in path.read_bytes():
                for place, number in enumerate(private_numbers(path.read_bytes())):
                    scene.secret(f"CA {path.name}, number {place}", number[:SHARE], f"data/{path.relative_to(data)}")
        yield scene


def test_every_event_says_whose_it_is(scene):
    """By the account in its metadata a customer's feed is told from another's; the installation's own have none."""
    assert len({name for name, _ in scene.events}) > 30
    assert {name for name, account_id in scene.events if account_id is None} <= OF_THE_INSTALLATION
    assert len({account_id for _, account_id in scene.events if account_id is not None}) == 1


def test_no_secret_is_anywhere_but_where_it_is_meant(scene):
    found = set()
    for name, secret in scene.secrets.items():
        assert len(secret) >= 6, name
        for place, contents in scene.places.items():
            if place not in scene.meant[name] and any(s in c for s in set(spellings(secret)) for c in contents):
                found.add((name, place))
    assert found == set()


def test_the_search_finds_what_is_there(scene):
    """Each meant place holds its secret, so that an empty result is no accident of the search."""
    kinds = ("log", "mails", "cells of orders.sqlite3", "metrics", "GET /api/v1/events", "GET /openapi.json")
    assert all(any(scene.places[kind]) for kind in kinds)
    for name, meant in scene.meant.items():
        for place in meant & set(scene.places):
            values = set(spellings(scene.secrets[name]))
            if not place.startswith(("GET", "data/ca")) and not name.startswith("CA"):
                assert any(value in content for value in values for content in scene.places[place]), (name, place)


def test_no_private_key_is_stored_outside_the_folder_of_the_ca(scene):
    for place, contents in scene.places.items():
        if not place.startswith("data/ca/"):
            assert not any(re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY", content) for content in contents), place
