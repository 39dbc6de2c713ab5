# SPDX-License-Identifier: Apache-2.0
"""Passkeys against an authenticator in software: who gets in, and every lie that does not help."""

from __future__ import annotations

import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given as given_that
from hypothesis import strategies as st

from services.accounts.adapters.passkeys import WebAuthn
from services.accounts.handlers import company, own, passkeys, sign_in, sign_up
from services.accounts.model.passkeys import challenge_of, relying_party
from shared.context import Context
from shared.contracts import accounts as c
from shared.errors import Code, ServiceError
from tests.support import account_builders as given
from tests.support.soft_authenticator import SoftAuthenticator, text_of

SAME_WORDS = "The login, the password or the second step is wrong."


def refused(call, *arguments, **more):
    with pytest.raises(ServiceError) as error:
        call(*arguments, **more)
    return error.value


def begin(house, context, password=given.PASSWORD):
    return passkeys.begin_passkey(house.app, c.BeginPasskey(name="k", current_password=password), context)


def add(house, context, authenticator, name="Laptop", **lies):
    answer = authenticator.create(begin(house, context), **lies)
    return passkeys.add_passkey(house.app, c.AddPasskey(name=name, **answer), context)


def asked(house):
    return passkeys.begin_sign_in(house.app)


def alone(house, assertion, address=given.ADDRESS):
    request = c.SignInWithPasskey(passkey=assertion, remote_address=address)
    return sign_in.sign_in_with_passkey(house.app, request, Context())


@pytest.fixture
def nora(house):
    """(what the sign-up said, the context, the authenticator, the recovery codes)."""
    done, _, context = house.member()
    authenticator = SoftAuthenticator()
    made = add(house, context, authenticator)
    return done, context, authenticator, made.recovery_codes


def events_of(house, done):
    return [type(envelope.data).__name__ for envelope in house.room.events(f"user-{done.user_id}")]


# --- the right way ---------------------------------------------------------------------------------------------------


def test_a_passkey_is_the_second_step_in_place_of_the_order_number(house, nora):
    done, context, authenticator, _ = nora
    assert refused(house.sign_in, order_number=str(done.order_number)).detail == SAME_WORDS
    signed_in = house.sign_in(passkey=authenticator.get(asked(house)))
    assert signed_in.user.passkeys == 1
    (shown,) = passkeys.list_passkeys(house.app, c.ListPasskeys(), context).items
    assert (shown.name, shown.last_used_at is not None) == ("Laptop", True)
    assert events_of(house, done)[-2:] == ["PasskeyAdded", "SignInSucceeded"]
    assert list(house.room.events(f"user-{done.user_id}"))[-1].data.factor == "passkey"


def test_a_passkey_whose_authenticator_knew_its_user_is_enough(house, nora):
    done, _, authenticator, _ = nora
    signed_in = alone(house, authenticator.get(asked(house)))
    assert signed_in.user.user_id == done.user_id
    assert house.identity(session=signed_in.session_token).account_id == done.account_id
    last = list(house.room.events(f"user-{done.user_id}"))[-1]
    assert (last.data.factor, last.metadata.account_id) == ("passkey_alone", done.account_id)


def test_one_that_only_felt_a_touch_is_a_second_step_and_no_more(house):
    _, _, context = house.member()
    authenticator = SoftAuthenticator(verifies=False)
    add(house, context, authenticator)
    assert refused(alone, house, authenticator.get(asked(house))).detail == SAME_WORDS
    assert house.sign_in(passkey=authenticator.get(asked(house)))


def test_recovery_codes_come_with_the_first_second_factor_and_each_counts_once(house, nora):
    _, context, _, codes = nora
    assert len(codes) == 10
    assert add(house, context, SoftAuthenticator(), "Key ring").recovery_codes == []
    assert house.sign_in(code=codes[0])
    assert refused(house.sign_in, code=codes[0]).code == Code.UNAUTHENTICATED
    assert refused(house.sign_in, code="123456").code == Code.UNAUTHENTICATED


def test_an_authenticator_app_and_a_passkey_stand_side_by_side(house, nora):
    _, context, authenticator, codes = nora
    secret = own.enrol_totp(house.app, c.EnrolTOTP(), context).secret
    own.confirm_totp(house.app, c.ConfirmTOTP(code=pyotp.TOTP(secret).at(house.clock.now())), context)
    house.clock.move(seconds=60)
    assert house.sign_in(code=pyotp.TOTP(secret).at(house.clock.now()))
    assert house.sign_in(passkey=authenticator.get(asked(house)))
    assert refused(house.sign_in, code=codes[0]).code == Code.UNAUTHENTICATED  # new ones came with the app
    own.remove_totp(house.app, c.RemoveTOTP(current_password=given.PASSWORD), context)
    assert house.sign_in(passkey=authenticator.get(asked(house)))


def test_after_the_last_one_the_order_number_is_back_and_recovery_codes_are_gone(house, nora):
    done, context, authenticator, codes = nora
    (shown,) = passkeys.list_passkeys(house.app, c.ListPasskeys(), context).items

    def remove(password, passkey_id=shown.passkey_id):
        request = c.RemovePasskey(passkey_id=passkey_id, current_password=password)
        return passkeys.remove_passkey(house.app, request, context)

    assert refused(remove, "wrong").pointer == "/current_password"
    assert refused(remove, given.PASSWORD, "another").code == Code.NOT_FOUND
    remove(given.PASSWORD)
    assert refused(alone, house, authenticator.get(asked(house))).detail == SAME_WORDS
    assert refused(house.sign_in, code=codes[0]).code == Code.UNAUTHENTICATED
    assert house.sign_in(order_number=str(done.order_number)).user.passkeys == 0
    assert "PasskeyRemoved" in events_of(house, done)


# --- lies ------------------------------------------------------------------------------------------------------------

LIES = {
    "another site": {"origin": "https://certwright.example.evil.test"},
    "plain http": {"origin": "http://certwright.example"},
    "another port": {"origin": "https://certwright.example:8443"},
    "another relying party": {"rp_id": "evil.test"},
    "another ceremony": {"type": "webauthn.create"},
    "a challenge of nobody": {"challenge": text_of(b"x" * 80)},
    "no base64": {"challenge": "§$%&/"},
    "nobody touched it": {"present": False},
    "another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "an unknown credential": {"raw_id": b"unknown"},
}


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
def test_a_lie_is_refused_with_the_same_words(house, nora, lies):
    _, _, authenticator, _ = nora
    for step in (lambda said: alone(house, said), lambda said: house.sign_in(passkey=said)):
        error = refused(step, authenticator.get(asked(house), **lies))
        assert (error.code, error.detail, error.pointer, error.extra) == (Code.UNAUTHENTICATED, SAME_WORDS, None, {})


def test_an_answer_counts_once_and_only_for_a_while(house, nora):
    _, _, authenticator, _ = nora
    said = authenticator.get(asked(house))
    assert alone(house, said)
    assert refused(alone, house, said).detail == SAME_WORDS
    assert refused(house.sign_in, passkey=said).detail == SAME_WORDS
    counter_less = SoftAuthenticator()
    add(house, nora[1], counter_less)
    question = asked(house)
    assert alone(house, counter_less.get(question, count=0))
    assert refused(alone, house, counter_less.get(question, count=0)).detail == SAME_WORDS
    old = asked(house)
    house.clock.move(minutes=5)
    assert refused(alone, house, authenticator.get(old)).detail == SAME_WORDS


def test_a_counter_that_goes_back_is_a_copied_key(house, nora):
    _, _, authenticator, _ = nora
    assert alone(house, authenticator.get(asked(house), count=7))
    for count in (7, 3, 0):
        assert refused(alone, house, authenticator.get(asked(house), count=count)).detail == SAME_WORDS
    assert alone(house, authenticator.get(asked(house), count=8))


def test_a_challenge_of_one_purpose_or_user_is_none_for_another(house, nora):
    _, context, authenticator, _ = nora
    creation = begin(house, context)
    assert refused(alone, house, authenticator.get(creation)).detail == SAME_WORDS
    _, _, other = house.member("otto")
    for answer in (
        SoftAuthenticator().create(begin(house, other)),
        SoftAuthenticator().create(asked(house)),
        SoftAuthenticator().create(begin(house, context), origin="https://evil.test"),
        SoftAuthenticator().create(begin(house, context), algorithm=-65535),
        authenticator.create(begin(house, context)),
    ):
        error = refused(passkeys.add_passkey, house.app, c.AddPasskey(name="x", **answer), context)
        assert error.code == Code.CONFLICT
    assert len(passkeys.list_passkeys(house.app, c.ListPasskeys(), context).items) == 1


def test_the_passkey_of_another_user_is_no_second_step(house, nora):
    house.member("otto")
    assert refused(house.sign_in, "otto", passkey=nora[2].get(asked(house))).detail == SAME_WORDS


def test_a_password_of_another_user_does_not_help_a_passkey(house, nora):
    error = refused(house.sign_in, password="wrong-Horse-7", passkey=nora[2].get(asked(house)))
    assert error.detail == SAME_WORDS


def test_guessing_gets_slower_with_passkeys_too(house, nora):
    _, _, authenticator, _ = nora
    codes = [refused(alone, house, authenticator.get(asked(house), origin="https://evil.test")).code for _ in range(7)]
    assert codes[:5] == [Code.UNAUTHENTICATED] * 5
    assert codes[5] == Code.RATE_LIMITED


@given_that(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=80))
def test_noise_is_refused_and_never_an_accident(data, client, signature):
    party = relying_party("https://certwright.example")
    noise = c.PasskeyAssertion(
        credential_id="eA",
        client_data_json=text_of(client),
        authenticator_data=text_of(data),
        signature=text_of(signature),
    )
    with pytest.raises(ValueError, match=r"does not hold|base64url"):
        WebAuthn().asserted(party, b"challenge", noise, "eA", 0)
    with pytest.raises(ValueError, match=r"does not hold|base64url"):
        WebAuthn().attested(party, b"challenge", text_of(client), text_of(data))
    with pytest.raises(ValueError, match="no challenge"):
        challenge_of(text_of(client))


# --- around it -------------------------------------------------------------------------------------------------------


def test_a_new_passkey_needs_the_password_a_person_and_a_name(house, nora):
    _, context, _, _ = nora
    assert refused(begin, house, context, "wrong").pointer == "/current_password"
    token = own.create_token(house.app, c.CreateToken(name="t", permissions=["view"]), context).secret
    program = house.context_of(house.identity(token=token))
    assert refused(begin, house, program).code == Code.FORBIDDEN
    for name in ("", "  ", "x" * 101, "a\u0000b"):
        answer = c.AddPasskey(name=name, client_data_json="", attestation_object="")
        assert refused(passkeys.add_passkey, house.app, answer, context).pointer == "/name"
        first = c.BeginPasskey(name=name, current_password=given.PASSWORD)
        assert refused(passkeys.begin_passkey, house.app, first, context).pointer == "/name"
    assert add(house, context, SoftAuthenticator(), " 🧨 <b>שלום ").passkey.name == "🧨 <b>שלום"


def test_there_is_an_end_to_passkeys(house, nora):
    _, context, _, _ = nora
    for _ in range(19):
        add(house, context, SoftAuthenticator())
    assert "at most 20" in refused(begin, house, context).detail


def test_who_must_choose_a_password_does_so_before_a_passkey_is_enough(house, nora):
    done, _, authenticator, _ = nora
    added = c.AddUser(login="ben", password="Temporary-Pass-42", email="b@example.com", permissions=["administer"])
    company_context = house.context(house.sign_in(passkey=authenticator.get(asked(house))).session_token)
    sign_up.add_user(house.app, added, company_context)
    ben = house.sign_in("ben", "Temporary-Pass-42", order_number=str(done.order_number), new_password="Chosen-By-Me-42")
    ben_user, key = ben.user.user_id, SoftAuthenticator()
    answer = key.create(
        passkeys.begin_passkey(
            house.app, c.BeginPasskey(name="k", current_password="Chosen-By-Me-42"), house.context(ben.session_token)
        )
    )
    passkeys.add_passkey(house.app, c.AddPasskey(name="k", **answer), house.context(ben.session_token))
    reset = c.ResetPassword(user_id=ben_user, password="Temporary-Pass-43")
    company.reset_password(house.app, reset, company_context)
    assert refused(alone, house, key.get(asked(house))).code == Code.CREDENTIALS_EXPIRED
    said = key.get(asked(house))
    assert refused(house.sign_in, "ben", "Temporary-Pass-43", passkey=said).code == Code.CREDENTIALS_EXPIRED
    assert house.sign_in("ben", "Temporary-Pass-43", passkey=said, new_password="Chosen-By-Me-44")
    assert alone(house, key.get(asked(house)))
    gone = c.ResetPassword(user_id=ben_user, password="Temporary-Pass-44", remove_second_step=True)
    company.reset_password(house.app, gone, company_context)
    assert refused(alone, house, key.get(asked(house))).code == Code.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("url", "rp_id", "missing"),
    [
        ("https://Certwright.Example:8443/x", "certwright.example", ""),
        ("http://localhost:8080", "localhost", ""),
        ("http://127.0.0.1:8080", "127.0.0.1", "ip_address"),
        ("https://[2001:db8::1]/", "2001:db8::1", "ip_address"),
        ("http://certwright.example", "certwright.example", "insecure"),
    ],
)
def test_where_passkeys_can_be(url, rp_id, missing):
    found = relying_party(url)
    assert (found.rp_id, found.missing) == (rp_id, missing)


def test_where_there_can_be_none_everything_says_so(house, nora):
    _, context, authenticator, _ = nora
    question = asked(house)
    object.__setattr__(house.app, "public_url", "http://192.0.2.1:8080")
    assert passkeys.sign_in_ways(house.app).passkeys_missing == "ip_address"
    assert "IP address" in refused(begin, house, context).detail
    assert refused(passkeys.begin_sign_in, house.app).code == Code.CONFLICT
    assert refused(alone, house, authenticator.get(question)).detail == SAME_WORDS


def test_old_challenges_are_forgotten_and_events_name_no_person(house, nora):
    done, _, authenticator, _ = nora
    alone(house, authenticator.get(asked(house)))
    house.clock.move(minutes=6)
    house.do(company.forget_old, ("", ""), Context())
    with house.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM used_challenges").scalar() == 0
    said = str([envelope.data for envelope in house.room.events(f"user-{done.user_id}")])
    assert "Laptop" not in said
    assert text_of(authenticator.raw_id) not in said
