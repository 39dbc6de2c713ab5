# SPDX-License-Identifier: Apache-2.0
"""Passkeys of the own user, and the proof that an authenticator gives at sign-in.

A challenge is no row: it holds its purpose and its end under our seal, so that strangers who ask for many fill no
table. Only one that was answered rightly is remembered, until its end, so that it is good once.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec.structs import replace

from services.accounts.handlers.access import audit, own_user, require_session, secretly
from services.accounts.handlers.app import App
from services.accounts.handlers.password_again import with_password
from services.accounts.model import passkeys as rules
from services.accounts.model import totp
from services.accounts.tables import passkeys, people
from shared.clock import to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts.base import Done, Page
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.unit_of_work import UnitOfWork

RP_NAME = "Certwright"
MISSING = {
    "ip_address": "Passkeys need an FQDN: this installation's public URL names an IP address.",
    "insecure": "Passkeys need HTTPS: this installation's public URL is plain http.",
}
STALE = "The answer of the authenticator does not belong to a fresh question. Begin again."


class Proof(NamedTuple):
    """A passkey that was proved to be at hand."""

    passkey: passkeys.Passkey
    user_verified: bool


def sign_in_ways(app: App) -> c.SignInWays:
    """What the sign-in page may offer."""
    missing = rules.relying_party(app.public_url).missing
    name = app.provider.name if app.provider else ""
    return c.SignInWays(passkeys=not missing, passkeys_missing=missing, oidc_name=name)


def begin_sign_in(app: App) -> c.PasskeyChallenge:
    """A challenge for anybody; it names no credentials, so that nobody learns who has which."""
    party = _party(app)
    challenge, expires_at = _ask(app, rules.SIGN_IN)
    return c.PasskeyChallenge(challenge=challenge, rp_id=party.rp_id, expires_at=expires_at)


def list_passkeys(app: App, _request: c.ListPasskeys, context: Context) -> Page[c.PasskeyView]:
    """Own ones."""
    with app.room.query() as connection:
        found = [one.view() for one in passkeys.passkeys_of(connection, own_user(connection, context).user_id)]
    return Page(items=found, total=len(found))


def begin_passkey(app: App, request: c.BeginPasskey, context: Context) -> c.PasskeyCreation:
    """What the browser asks its authenticator. The password was given again: a passkey lets in for ever."""
    require_session(context)
    rules.checked_name(request.name)
    party = _party(app)
    user = with_password(app, request.current_password, context)
    with app.room.query() as connection:
        known = passkeys.passkeys_of(connection, user.user_id)
    if len(known) >= rules.MOST:
        raise ServiceError(Code.CONFLICT, f"A user has at most {rules.MOST} passkeys. Remove one first.")
    challenge, expires_at = _ask(app, user.user_id)
    return c.PasskeyCreation(
        challenge=challenge,
        rp_id=party.rp_id,
        rp_name=RP_NAME,
        user_handle=rules.padless(user.user_id.encode()),
        login=user.login,
        algorithms=app.authenticators.algorithms,
        exclude=[one.credential_id for one in known],
        expires_at=expires_at,
    )


def add_passkey(app: App, request: c.AddPasskey, context: Context) -> c.NewPasskey:
    """The authenticator's answer makes the passkey; recovery codes come with the first second factor."""
    require_session(context)
    name = rules.checked_name(request.name)
    party = _party(app)
    raw = [app.chance.base32(16) for _ in range(totp.RECOVERY_CODES)]

    def add(uow: UnitOfWork, request: c.AddPasskey) -> c.NewPasskey:
        user = own_user(uow.connection, uow.context)
        try:
            challenge = _answered(uow, app, request.client_data_json, user.user_id)
            found = app.authenticators.attested(
                party, rules.unpadded(challenge), request.client_data_json, request.attestation_object
            )
        except ValueError:
            raise ServiceError(Code.CONFLICT, STALE) from None
        if passkeys.passkey_by_credential(uow.connection, found.credential_id) is not None:
            raise ServiceError(Code.CONFLICT, "This passkey is known already.")
        if user.passkeys >= rules.MOST:
            raise ServiceError(Code.CONFLICT, f"A user has at most {rules.MOST} passkeys. Remove one first.")
        made = passkeys.Passkey(
            passkey_id=uow.new_id(),
            user_id=user.user_id,
            credential_id=found.credential_id,
            public_key=found.public_key,
            sign_count=found.sign_count,
            name=name,
            created_at=to_text(uow.now),
        )
        passkeys.add_passkey(uow.connection, made)
        codes = []
        if not people.has_recovery_codes(uow.connection, user.user_id):
            codes = ["-".join(re.findall("....", one)) for one in raw]
            hashes = [totp.recovery_hash(user.user_id, one) for one in codes]
            people.set_recovery_codes(uow.connection, user.user_id, hashes)
        audit(uow, user, c.PasskeyAdded(user_id=user.user_id, passkey_id=made.passkey_id))
        return c.NewPasskey(passkey=made.view(), recovery_codes=codes)

    return app.room.execute(add, request, secretly(context))


def remove_passkey(app: App, request: c.RemovePasskey, context: Context) -> Done:
    """Forgets one. Whoever has no other second factor gives order numbers again, and recovery codes stop working."""
    require_session(context)
    with_password(app, request.current_password, context)
    return app.room.execute(_remove_passkey, replace(request, current_password=""), context)


def _remove_passkey(uow: UnitOfWork, request: c.RemovePasskey) -> Done:
    user = own_user(uow.connection, uow.context)
    if not passkeys.remove_passkeys(uow.connection, user.user_id, only=request.passkey_id):
        raise not_found("passkey")
    if user.passkeys == 1 and not user.totp_confirmed:
        people.set_recovery_codes(uow.connection, user.user_id, [])
    audit(uow, user, c.PasskeyRemoved(user_id=user.user_id, passkey_id=request.passkey_id))
    return Done(id=request.passkey_id)


def prove(uow: UnitOfWork, app: App, assertion: c.PasskeyAssertion) -> Proof | None:
    """The passkey that signed a fresh challenge of ours, and uses the challenge up; None for whatever is wrong."""
    party = rules.relying_party(app.public_url)
    found = passkeys.passkey_by_credential(uow.connection, assertion.credential_id)
    if party.missing or found is None:
        return None
    try:
        challenge = _answered(uow, app, assertion.client_data_json, rules.SIGN_IN)
        said = app.authenticators.asserted(
            party, rules.unpadded(challenge), assertion, found.public_key, found.sign_count
        )
    except ValueError:
        return None
    if not passkeys.use_passkey(uow.connection, found, said.sign_count, to_text(uow.now)):
        return None
    return Proof(found, said.user_verified)


def _party(app: App) -> rules.RelyingParty:
    party = rules.relying_party(app.public_url)
    if party.missing:
        raise ServiceError(Code.CONFLICT, MISSING[party.missing])
    return party


def _ask(app: App, purpose: str) -> tuple[str, str]:
    text, expires_at = rules.to_seal(purpose, app.room.clock.now())
    sealed = app.sealer.seal(text, rules.SEAL)
    return sealed.replace("+", "-").replace("/", "_").rstrip("="), expires_at


def _answered(uow: UnitOfWork, app: App, client_data_json: str, purpose: str) -> str:
    """The challenge of ours that was answered, used up now. Raises ValueError for any other one."""
    challenge = rules.challenge_of(client_data_json)
    sealed = challenge.replace("-", "+").replace("_", "/")
    opened = app.sealer.open(sealed + "=" * (-len(sealed) % 4), rules.SEAL)
    expires_at = rules.expiry_of(opened, purpose, uow.now)
    if rules.padless(rules.unpadded(challenge)) != challenge:  # one spelling only, or it were good twice
        raise ValueError("not as we wrote it")
    if not passkeys.use_challenge(uow.connection, rules.hash_of_challenge(challenge), expires_at):
        raise ValueError("answered before")
    return challenge
