# SPDX-License-Identifier: Apache-2.0
"""The accounts room on SQLite: sign-up, sign-in, sessions, tokens, users, first run; what it never keeps or tells."""

from __future__ import annotations

import logging
import stat

import pyotp
import pytest

from services.accounts.adapters.secrets import Argon2Passwords
from services.accounts.handlers import company, first_run, own, sign_up
from shared.context import Context
from shared.contracts import accounts as c
from shared.errors import Code, ServiceError
from tests.support import account_builders as given
from tests.support import order_builders
from tests.support.rooms import sent

SAME_WORDS = "The login, the password or the second step is wrong."


def refused(call, *arguments, **more):
    with pytest.raises(ServiceError) as error:
        call(*arguments, **more)
    return error.value


def events_of(house, user_id):
    return [type(envelope.data).__name__ for envelope in house.room.events(f"user-{user_id}")]


# --- sign-up -------------------------------------------------------------------------------------------------------


def test_the_sign_up_number_opens_the_first_sign_in(house):
    done = house.sign_up()
    assert done.order_number == 1_000_001
    signed_in = house.sign_in(order_number="1000001")
    assert signed_in.user.permissions == ["view", "create_order", "replenish_balance", "administer"]
    assert signed_in.agreements_due == []
    assert events_of(house, done.user_id) == [
        "UserAdded", "AgreementAccepted", "AgreementAccepted", "SignInSucceeded",
    ]  # fmt: skip


def test_submitting_twice_makes_one_account(house):
    first = house.sign_up(command_id="c1")
    assert house.sign_up(command_id="c1") == first
    assert company.list_accounts(house.app, c.ListAccounts()).items[0].account_id == first.account_id
    assert len(company.list_accounts(house.app, c.ListAccounts()).items) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"accepted_agreements": ["eula"]}, "/accepted_agreements"),
        ({"password": "short"}, "/password"),
        ({"login": "x"}, "/login"),
        ({"company": given.company(city="")}, "/company/city"),
        ({"contact": given.contact(email="x")}, "/contact/email"),
        ({"admin_address": given.company(country="??")}, "/admin_address/country"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(house, changes, pointer):
    assert refused(house.sign_up, **changes).pointer == pointer


def test_a_taken_login_is_refused_in_any_letter_case_and_without_saying_why(house):
    house.sign_up("nora")
    taken, reserved = refused(house.sign_up, "NORA"), refused(house.sign_up, "admin")
    assert (taken.code, taken.detail, taken.pointer) == (reserved.code, reserved.detail, reserved.pointer)


def test_trying_which_logins_exist_gets_slower(house):
    house.sign_up("nora")
    codes = {refused(house.sign_up, "nora").code for _ in range(62)}
    assert codes == {Code.INVALID, Code.RATE_LIMITED}


# --- sign-in -------------------------------------------------------------------------------------------------------


def test_every_wrong_step_is_refused_with_the_same_words_and_the_same_work(house):
    number = str(house.sign_up().order_number)
    other = str(house.sign_up("otto").order_number)
    attempts = [
        {"login": "nobody", "order_number": number},
        {"login": "Nora", "order_number": number},
        {"password": "wrong-Horse-7", "order_number": number},
        {"order_number": other},
        {"order_number": "9999999"},
        {"order_number": "not a number"},
        {"order_number": ""},
        {"code": "123456"},
    ]
    for attempt in attempts:
        before = house.passwords.verified
        error = refused(house.sign_in, remote_address=str(attempt), **attempt)
        assert (error.code, error.detail, error.pointer, error.extra) == (Code.UNAUTHENTICATED, SAME_WORDS, None, {})
        assert house.passwords.verified == before + 1


def test_every_order_number_of_the_account_is_a_second_step(house):
    done = house.sign_up()
    placed = order_builders.placed(account_id=done.account_id, number=2_000_017)
    assert house.room.react(company.on_order_placed, sent(placed), name="accounts.on_order_placed")
    assert house.sign_in(order_number="2000017").user.user_id == done.user_id
    assert house.sign_in(order_number=" 1000001 ").last_sign_in_at is not None


def test_without_the_order_number_step_the_password_is_enough(tmp_path):
    house = given.House(tmp_path, order_number_step=False)
    house.sign_up()
    assert house.sign_in().user.login == "nora"


def test_guessing_gets_slower_for_one_login_from_one_address_and_others_are_not_hindered(house):
    number = str(house.sign_up().order_number)
    for _ in range(5):
        assert refused(house.sign_in, password="wrong").code == Code.UNAUTHENTICATED
    error = refused(house.sign_in, order_number=number)
    assert error.code == Code.RATE_LIMITED
    assert int(error.extra["retry_after"]) >= 1
    assert house.sign_in(order_number=number, remote_address="192.0.2.8")
    house.clock.move(seconds=int(error.extra["retry_after"]))
    assert house.sign_in(order_number=number)


def test_an_unknown_login_is_slowed_down_like_a_known_one(house):
    house.sign_up()

    def codes(login):
        return [refused(house.sign_in, login, "wrong").code for _ in range(8)]

    assert codes("nora") == codes("nobody")


def test_a_session_has_a_fresh_token_each_time_and_none_can_be_given(house):
    number = str(house.sign_up().order_number)
    first, second = house.sign_in(order_number=number), house.sign_in(order_number=number)
    assert first.session_token != second.session_token
    assert (
        house.identity(session=first.session_token).credential_id
        != house.identity(session=second.session_token).credential_id
    )


def test_a_password_hash_of_weaker_parameters_is_renewed_at_sign_in(house):
    done = house.sign_up()
    with house.database.write() as connection:
        connection.exec_driver_sql("UPDATE users SET password_hash = 'old$' || password_hash")
    house.passwords.verify = lambda hashed, password: hashed.removeprefix("old$") == house.passwords.hash(password)
    house.sign_in(order_number=str(done.order_number))
    assert "old$" not in house.everything_stored()


# --- sessions and tokens ---------------------------------------------------------------------------------------------


def test_a_session_ends_when_idle_and_at_last_anyway(house):
    _, session, _ = house.member()
    for _ in range(14):
        house.clock.move(hours=11, minutes=59)
        assert house.identity(session=session).kind == "session"
    house.clock.move(hours=3)
    assert refused(house.identity, session=session).code == Code.UNAUTHENTICATED  # seven days are over
    session = house.sign_in(order_number="1000001").session_token
    house.clock.move(hours=12, seconds=1)
    assert refused(house.identity, session=session).code == Code.UNAUTHENTICATED


def test_looking_at_a_session_writes_at_most_once_a_minute(house, monkeypatch):
    _, session, _ = house.member()
    writes = []
    write = house.database.write
    monkeypatch.setattr(house.database, "write", lambda: writes.append(1) or write())
    for _ in range(10):
        house.clock.move(seconds=30)
        house.identity(session=session)
    assert len(writes) == 5


def test_signing_out_ends_one_session_or_all(house):
    done, first, context = house.member()
    second = house.sign_in(order_number=str(done.order_number)).session_token
    assert refused(house.do, own.sign_out, c.SignOut(), context).pointer == "/session_id"
    ended = house.identity(session=first).credential_id
    house.do(own.sign_out, c.SignOut(session_id=ended), context)
    assert refused(house.identity, session=first).code == Code.UNAUTHENTICATED
    shown = own.list_sessions(house.app, c.ListSessions(), context).items
    assert [one.remote_address for one in shown] == [given.ADDRESS]
    house.do(own.sign_out, c.SignOut(everywhere=True), context)
    assert refused(house.identity, session=second).code == Code.UNAUTHENTICATED


def test_nobody_ends_another_users_session(house):
    _, session, _ = house.member()
    _, _, other = house.member("otto")
    theirs = c.SignOut(session_id=house.identity(session=session).credential_id)
    assert refused(house.do, own.sign_out, theirs, other).code == Code.NOT_FOUND
    assert house.identity(session=session)


def test_a_token_carries_at_most_its_own_permissions_and_those_that_its_user_still_has(house):
    _, _, context = house.member()
    request = c.CreateToken(name="ci", permissions=["view", "create_order"], expires_in_days=30)
    made = own.create_token(house.app, request, context)
    assert made.secret.startswith("cw_")
    assert made.secret.startswith(made.token.prefix)
    found = house.identity(token=made.secret)
    assert (found.actor, found.permissions) == (f"token:{made.token.token_id}", ["view", "create_order"])
    with house.database.write() as connection:
        connection.exec_driver_sql("UPDATE users SET permissions = 'view administer'")
    assert house.identity(token=made.secret).permissions == ["view"]
    assert own.list_tokens(house.app, c.ListTokens(), context).items[0].last_used_at is not None


def test_a_token_ends_by_time_and_by_hand(house):
    _, _, context = house.member()
    request = c.CreateToken(name="ci", permissions=["view"], expires_in_days=1)
    short, long_ = own.create_token(house.app, request, context), own.create_token(house.app, request, context)
    house.do(own.revoke_token, c.RevokeToken(token_id=long_.token.token_id), context)
    assert refused(house.identity, token=long_.secret).code == Code.UNAUTHENTICATED
    house.clock.move(days=1)
    assert refused(house.identity, token=short.secret).code == Code.UNAUTHENTICATED


def test_a_repeated_token_command_makes_one_token_and_does_not_show_a_wrong_secret(house):
    _, session, _ = house.member()
    request = c.CreateToken(name="ci", permissions=["view"])
    own.create_token(house.app, request, house.context(session, command_id="c1"))
    assert refused(own.create_token, house.app, request, house.context(session, command_id="c1")).code == Code.CONFLICT
    assert len(own.list_tokens(house.app, c.ListTokens(), house.context(session)).items) == 1


def test_programs_do_not_change_credentials(house):
    _, _, context = house.member()
    secret = own.create_token(
        house.app, c.CreateToken(name="ci", permissions=list(context.permissions)), context
    ).secret
    token = house.context_of(house.identity(token=secret))
    for call in (
        lambda: own.create_token(house.app, c.CreateToken(name="x", permissions=["view"]), token),
        lambda: own.enrol_totp(house.app, c.EnrolTOTP(), token),
        lambda: own.confirm_totp(house.app, c.ConfirmTOTP(code="1"), token),
        lambda: own.remove_totp(house.app, c.RemoveTOTP(current_password=given.PASSWORD), token),
        lambda: own.change_password(
            house.app, c.ChangePassword(current_password=given.PASSWORD, new_password="new-Horse-77"), token
        ),
    ):
        assert refused(call).code == Code.FORBIDDEN


@pytest.mark.parametrize("credential", [{}, {"token": "nonsense"}, {"token": "cw_nonsense"}, {"session": "nonsense"}])
def test_what_is_no_credential_is_refused(house, credential):
    assert refused(house.identity, **credential).code == Code.UNAUTHENTICATED


def test_a_changed_password_ends_all_other_sessions(house):
    done, first, context = house.member()
    second = house.sign_in(order_number=str(done.order_number)).session_token
    request = c.ChangePassword(
        current_password=given.PASSWORD,
        new_password="new-Horse-77",
        current_session_id=house.identity(session=first).credential_id,
    )
    wrong = c.ChangePassword(current_password="wrong", new_password="new-Horse-77")
    assert refused(own.change_password, house.app, wrong, context).pointer == "/current_password"
    weak = c.ChangePassword(current_password=given.PASSWORD, new_password="weak")
    assert refused(own.change_password, house.app, weak, context).pointer == "/new_password"
    own.change_password(house.app, request, context)
    assert house.identity(session=first)
    assert refused(house.identity, session=second).code == Code.UNAUTHENTICATED
    assert refused(house.sign_in, order_number=str(done.order_number)).code == Code.UNAUTHENTICATED
    assert house.sign_in(password="new-Horse-77", order_number=str(done.order_number))


# --- the second factor -----------------------------------------------------------------------------------------------


def enrolled(house):
    done, session, context = house.member()
    secret = own.enrol_totp(house.app, c.EnrolTOTP(), context).secret
    assert house.sign_in(order_number=str(done.order_number))  # counts only when confirmed
    wrong = c.ConfirmTOTP(code="000000")
    assert refused(own.confirm_totp, house.app, wrong, context).pointer == "/code"
    codes = own.confirm_totp(house.app, c.ConfirmTOTP(code=pyotp.TOTP(secret).at(house.clock.now())), context).codes
    house.clock.move(minutes=1)
    return done, session, context, secret, codes


def test_an_enrolled_authenticator_replaces_the_order_number(house):
    done, _, _, secret, _ = enrolled(house)
    assert refused(house.sign_in, order_number=str(done.order_number)).detail == SAME_WORDS
    code = pyotp.TOTP(secret).at(house.clock.now())
    assert house.sign_in(code=code).user.totp
    assert refused(house.sign_in, code=code).detail == SAME_WORDS  # a code counts once


def test_a_recovery_code_counts_once(house):
    done, _, _, _, codes = enrolled(house)
    assert len(set(codes)) == 10
    assert house.sign_in(code=codes[0].lower())
    assert refused(house.sign_in, code=codes[0]).detail == SAME_WORDS
    assert events_of(house, done.user_id)[-1] == "SignInSucceeded"


def test_removing_the_authenticator_needs_the_password(house):
    done, _, context, _, _ = enrolled(house)
    assert refused(own.remove_totp, house.app, c.RemoveTOTP(current_password="x"), context).code == Code.INVALID
    own.remove_totp(house.app, c.RemoveTOTP(current_password=given.PASSWORD), context)
    assert house.sign_in(order_number=str(done.order_number))


# --- passwords that must be changed ----------------------------------------------------------------------------------

OWN = "own-Chosen-77"


def test_the_password_of_an_added_user_is_good_for_choosing_another_one(house):
    done, _, context = house.member()
    number = str(done.order_number)
    asked = c.AddUser(login="otto", password=given.PASSWORD, email="otto@example.com", permissions=["view"])
    user = sign_up.add_user(house.app, asked, context)
    assert user.must_change_password
    error = refused(house.sign_in, "otto", order_number=number)
    assert (error.code, error.pointer) == (Code.CREDENTIALS_EXPIRED, "/new_password")
    assert events_of(house, user.user_id) == ["UserAdded"]
    signed_in = house.sign_in("otto", order_number=number, new_password=OWN)
    assert not signed_in.user.must_change_password
    assert events_of(house, user.user_id) == ["UserAdded", "PasswordChanged", "SignInSucceeded"]
    assert house.identity(session=signed_in.session_token).user_id == user.user_id
    assert refused(house.sign_in, "otto", order_number=number).detail == SAME_WORDS
    assert house.sign_in("otto", OWN, order_number=number)
    assert OWN not in house.everything_stored()


def test_nobody_learns_of_an_expired_password_before_all_steps_were_right(house):
    done, _, context = house.member()
    added(house, context, must_change_password=True)
    number = str(done.order_number)
    for attempt in (
        {"password": "wrong-Horse-7", "order_number": number},
        {"order_number": "9999999"},
        {"order_number": ""},
        {"order_number": "9999999", "new_password": OWN},
        {"password": "wrong-Horse-7", "order_number": number, "new_password": OWN},
    ):
        error = refused(house.sign_in, "otto", remote_address=str(attempt), **attempt)
        assert (error.code, error.detail, error.pointer, error.extra) == (Code.UNAUTHENTICATED, SAME_WORDS, None, {})
    assert refused(house.sign_in, "otto", order_number=number).code == Code.CREDENTIALS_EXPIRED


@pytest.mark.parametrize(
    ("new", "says"), [("weak", "8 characters"), (given.PASSWORD, "the old one"), ("a-Password-of-otto-7", "the login")]
)
def test_a_new_password_follows_all_rules_and_differs_from_the_old_one(house, new, says):
    done, _, context = house.member()
    added(house, context, must_change_password=True)
    number = str(done.order_number)
    error = refused(house.sign_in, "otto", order_number=number, new_password=new)
    assert (error.code, error.pointer) == (Code.INVALID, "/new_password")
    assert says in error.detail
    assert refused(house.sign_in, "otto", order_number=number).code == Code.CREDENTIALS_EXPIRED


def test_a_change_of_the_own_password_also_differs_from_the_old_one(house):
    _, _, context = house.member()
    same = c.ChangePassword(current_password=given.PASSWORD, new_password=given.PASSWORD)
    assert refused(own.change_password, house.app, same, context).pointer == "/new_password"


def aging(house, days):
    """The same room with another setting."""
    object.__setattr__(house.app, "settings", house.app.settings.model_copy(update={"password_max_age_days": days}))


def test_a_password_expires_by_age_and_a_changed_one_is_young_again(house):
    number = str(house.sign_up().order_number)
    house.clock.move(days=4000)
    assert house.sign_in(order_number=number)  # they do not age unless the operator says so
    aging(house, 90)
    error = refused(house.sign_in, order_number=number)
    assert (error.code, "expired" in error.detail) == (Code.CREDENTIALS_EXPIRED, True)
    first = house.sign_in(order_number=number, new_password=OWN).session_token
    house.clock.move(days=89, hours=23)
    second = house.sign_in(password=OWN, order_number=number).session_token
    assert refused(house.identity, session=first).code == Code.UNAUTHENTICATED  # a session does not last so long
    own.change_password(
        house.app, c.ChangePassword(current_password=OWN, new_password=given.PASSWORD), house.context(second)
    )
    house.clock.move(hours=2)
    assert house.sign_in(order_number=number)
    house.clock.move(days=90)
    assert refused(house.sign_in, order_number=number).code == Code.CREDENTIALS_EXPIRED


def test_a_changed_password_at_sign_in_ends_the_sessions_before(house):
    done, before, _ = house.member()
    house.sign_in(order_number=str(done.order_number), new_password=OWN)
    assert refused(house.identity, session=before).code == Code.UNAUTHENTICATED


def test_a_code_that_came_with_an_expired_password_is_still_good_for_the_change(house):
    _, _, _, secret, codes = enrolled(house)
    aging(house, 1)
    house.clock.move(days=2)
    code = pyotp.TOTP(secret).at(house.clock.now())
    for given_code in (code, codes[0]):
        assert refused(house.sign_in, code=given_code).code == Code.CREDENTIALS_EXPIRED
    assert house.sign_in(code=code, new_password=OWN)
    assert refused(house.sign_in, password=OWN, code=code).detail == SAME_WORDS


# --- an administrator's reset ----------------------------------------------------------------------------------------

TEMPORARY = "for-One-Day-7"


def reset(house, context, user_id, **more):
    request = c.ResetPassword(user_id=user_id, password=TEMPORARY, **more)
    return company.reset_password(house.app, request, context)


def test_a_reset_ends_all_that_let_the_user_in_and_asks_for_a_change(house):
    done, _, context = house.member()
    number = str(done.order_number)
    user = added(house, context)
    session = house.sign_in("otto", order_number=number).session_token
    otto = house.context(session)
    token = own.create_token(house.app, c.CreateToken(name="ci", permissions=["view"]), otto).secret
    reset(house, context, user.user_id)
    for credential in ({"session": session}, {"token": token}):
        assert refused(house.identity, **credential).code == Code.UNAUTHENTICATED
    assert events_of(house, user.user_id)[-3:] == ["PasswordChanged", "CredentialRevoked", "CredentialRevoked"]
    assert list(house.room.events(f"user-{user.user_id}"))[-1].metadata.actor == f"user:{done.user_id}"
    assert refused(house.sign_in, "otto", order_number=number).detail == SAME_WORDS
    assert refused(house.sign_in, "otto", TEMPORARY, order_number=number).code == Code.CREDENTIALS_EXPIRED
    assert house.sign_in("otto", TEMPORARY, order_number=number, new_password=OWN)
    assert TEMPORARY not in house.everything_stored()


def test_a_lost_authenticator_is_forgotten_only_when_asked(house):
    done, session, _, secret, _ = enrolled(house)
    number = str(done.order_number)
    boss = house.context(session)
    user = added(house, boss, "helga", permissions=("view", "create_order", "replenish_balance", "administer"))
    helga = house.context(house.sign_in("helga", order_number=number).session_token)
    reset(house, helga, done.user_id)
    assert refused(house.sign_in, password=TEMPORARY, order_number=number).detail == SAME_WORDS
    code = pyotp.TOTP(secret).at(house.clock.now())
    assert refused(house.sign_in, password=TEMPORARY, code=code).code == Code.CREDENTIALS_EXPIRED
    reset(house, helga, done.user_id, remove_second_step=True)
    assert events_of(house, done.user_id)[-2:] == ["PasswordChanged", "SecondFactorChanged"]
    assert house.sign_in(password=TEMPORARY, order_number=number, new_password=OWN).user.totp is False
    assert user.user_id != done.user_id


def test_who_may_reset_whom(house):
    done, _, context = house.member()
    _, _, other = house.member("eva")
    user = added(house, context, permissions=("view", "administer"))
    otto = house.context(house.sign_in("otto", order_number=str(done.order_number)).session_token)
    assert refused(reset, house, other, user.user_id).code == Code.NOT_FOUND
    assert refused(reset, house, context, done.user_id).pointer == "/user_id"
    assert refused(reset, house, otto, done.user_id).code == Code.FORBIDDEN  # who may do more than the asker
    secret = own.create_token(house.app, c.CreateToken(name="ci", permissions=["administer"]), context).secret
    assert refused(reset, house, house.context_of(house.identity(token=secret)), user.user_id).code == Code.FORBIDDEN
    weak = c.ResetPassword(user_id=user.user_id, password="weak")
    assert refused(company.reset_password, house.app, weak, context).pointer == "/password"
    assert house.sign_in("otto", order_number=str(done.order_number))  # none of it did anything


# --- users and tenants -----------------------------------------------------------------------------------------------


def added(house, context, login="otto", permissions=("view",), *, must_change_password=False):
    request = c.AddUser(
        login=login, password=given.PASSWORD, email="otto@example.com", permissions=list(permissions),
        must_change_password=must_change_password,
    )  # fmt: skip
    return sign_up.add_user(house.app, request, context)


def test_an_added_user_signs_in_with_an_order_number_of_the_account_and_is_asked_for_the_agreement(house):
    done, _, context = house.member()
    user = added(house, context)
    signed_in = house.sign_in("otto", order_number=str(done.order_number))
    assert signed_in.user.user_id == user.user_id
    assert [one.kind for one in signed_in.agreements_due] == ["eula"]
    own_context = house.context(signed_in.session_token)
    stale = c.AcceptAgreement(kind="eula", version="0")
    assert refused(house.do, own.accept_agreement, stale, own_context).pointer == "/version"
    house.do(own.accept_agreement, c.AcceptAgreement(kind="eula", version="1"), own_context)
    assert house.sign_in("otto", order_number=str(done.order_number)).agreements_due == []


def test_nobody_gives_more_than_they_have(house):
    done, _, context = house.member()
    added(house, context, permissions=("view", "administer"))
    session = house.sign_in("otto", order_number=str(done.order_number)).session_token
    limited = house.context(session)
    assert refused(added, house, limited, "paul", ("create_order",)).code == Code.FORBIDDEN
    me = c.ChangeUser(user_id=house.identity(session=session).user_id, permissions=["view", "create_order"])
    assert refused(house.do, company.change_user, me, limited).code == Code.FORBIDDEN
    assert refused(added, house, context, "paul", ("operator",)).code == Code.INVALID


def test_the_last_administrator_keeps_the_right_and_nobody_removes_themselves(house):
    done, _, context = house.member()
    alone = c.ChangeUser(user_id=done.user_id, permissions=["view"])
    assert refused(house.do, company.change_user, alone, context).code == Code.CONFLICT
    assert refused(house.do, company.remove_user, c.RemoveUser(user_id=done.user_id), context).code == Code.CONFLICT
    added(house, context, permissions=("administer",))
    assert house.do(company.change_user, alone, context).permissions == ["view"]


def test_a_removed_user_is_out_at_once_everywhere(house):
    done, _, context = house.member()
    user = added(house, context)
    session = house.sign_in("otto", order_number=str(done.order_number)).session_token
    otto = house.context(session)
    token = own.create_token(house.app, c.CreateToken(name="ci", permissions=["view"]), otto).secret
    house.do(company.remove_user, c.RemoveUser(user_id=user.user_id), context)
    for credential in ({"session": session}, {"token": token}):
        assert refused(house.identity, **credential).code == Code.UNAUTHENTICATED
    assert refused(house.sign_in, "otto", order_number=str(done.order_number)).detail == SAME_WORDS
    assert refused(own.get_me, house.app, c.GetMe(), otto).code == Code.UNAUTHENTICATED
    assert events_of(house, user.user_id)[-3:] == ["UserRemoved", "CredentialRevoked", "CredentialRevoked"]


def test_another_accounts_users_and_tokens_do_not_exist(house):
    done, _, context = house.member()
    _, _, other = house.member("eva")
    token = own.create_token(house.app, c.CreateToken(name="ci", permissions=["view"]), context).token
    for call in (
        lambda: house.do(company.change_user, c.ChangeUser(user_id=done.user_id, permissions=["view"]), other),
        lambda: house.do(company.remove_user, c.RemoveUser(user_id=done.user_id), other),
        lambda: house.do(own.revoke_token, c.RevokeToken(token_id=token.token_id), other),
    ):
        assert refused(call).code == Code.NOT_FOUND
    assert [one.login for one in company.list_users(house.app, c.ListUsers(), other).items] == ["eva"]
    assert own.list_tokens(house.app, c.ListTokens(), other).items == []
    assert company.get_account(house.app, c.GetAccount(), other).account_id != done.account_id


def test_company_and_contact_are_changed_by_the_rules_of_the_sign_up(house):
    done, _, context = house.member()
    request = c.UpdateAccount(contact=given.contact(email="new@example.com"))
    assert company.update_account(house.app, request, context).contact.email == "new@example.com"
    assert company.get_contact(house.app, c.GetContact(account_id=done.account_id)).email == "new@example.com"
    wrong = c.UpdateAccount(company=given.company(country="XX"))
    assert refused(company.update_account, house.app, wrong, context).pointer == "/company/country"


def test_lists_are_paged(house):
    _, _, context = house.member()
    for number in range(4):
        added(house, context, f"user-{number}")
    first = company.list_users(house.app, c.ListUsers(limit=3), context)
    rest = company.list_users(house.app, c.ListUsers(limit=3, cursor=first.next_cursor), context)
    assert len({one.login for one in [*first.items, *rest.items]}) == 5
    assert (first.total, rest.next_cursor) == (5, None)
    assert refused(company.list_users, house.app, c.ListUsers(cursor="x"), context).pointer == "/cursor"
    house.member("eva")
    page = company.list_accounts(house.app, c.ListAccounts(limit=1))
    assert len(company.list_accounts(house.app, c.ListAccounts(limit=1, cursor=page.next_cursor)).items) == 1
    assert company.list_accounts(house.app, c.ListAccounts(search="1000002")).items == page.items


# --- the first run ---------------------------------------------------------------------------------------------------


def claim(house, link, login="olga"):
    token = link.partition("#token=")[2]
    request = c.ClaimOperator(token=token, login=login, password=given.PASSWORD, email="olga@example.com")
    return sign_up.claim_operator(house.app, request, Context())


def test_the_first_run_link_makes_one_operator(house, caplog):
    with caplog.at_level(logging.WARNING):
        link = first_run.announce(house.app)
    assert link.startswith("https://certwright.example/first-run#token=")
    assert caplog.text.count(link) == 1
    file = house.app.first_run_file
    assert file.read_text().strip() == link
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    weak = c.ClaimOperator(token=link.partition("=")[2], login="olga", password="weak", email="olga@example.com")
    assert refused(sign_up.claim_operator, house.app, weak, Context()).pointer == "/password"
    claim(house, link)
    assert not file.exists()
    operator = house.context(house.sign_in("olga").session_token)
    assert operator.operator
    assert refused(claim, house, link, "otto").code == Code.UNAUTHENTICATED
    assert first_run.announce(house.app) is None


def test_a_link_is_good_for_its_time_and_only_the_newest_one(house):
    old = first_run.announce(house.app)
    new = first_run.announce(house.app)
    assert refused(claim, house, old).code == Code.UNAUTHENTICATED
    assert not first_run.expired(house.app)
    house.clock.move(hours=24)
    assert refused(claim, house, new).code == Code.UNAUTHENTICATED
    assert first_run.expired(house.app)


def test_an_operator_makes_further_operators_and_cannot_look_like_a_customer(house):
    claim(house, first_run.announce(house.app))
    context = house.context(house.sign_in("olga").session_token)
    user = added(house, context, "otto", ("operator", "view"))
    assert user.account_id is None
    assert refused(added, house, context, "paul", ("create_order",)).code == Code.INVALID
    assert refused(company.get_account, house.app, c.GetAccount(), context).code == Code.NOT_FOUND


# --- what is never kept ------------------------------------------------------------------------------------------


def test_no_secret_is_kept_in_any_column_event_or_log_line(house, caplog):
    with caplog.at_level(logging.DEBUG):
        done = house.sign_up(command_id="c1")
        session = house.sign_in(order_number=str(done.order_number)).session_token
        context = house.context(session, command_id="c2")
        secret = own.enrol_totp(house.app, c.EnrolTOTP(), context).secret
        code = pyotp.TOTP(secret).at(house.clock.now())
        codes = own.confirm_totp(house.app, c.ConfirmTOTP(code=code), context).codes
        own.change_password(
            house.app,
            c.ChangePassword(current_password=given.PASSWORD, new_password="new-Horse-77"),
            house.context(session, command_id="c3"),
        )
        token = own.create_token(house.app, c.CreateToken(name="ci", permissions=["view"]), house.context(
            house.sign_in(password="new-Horse-77", code=codes[9]).session_token, command_id="c4"
        ))  # fmt: skip
        refused(house.sign_in, "typed-password-into-login", "typed-password")
    stored = house.everything_stored()
    secrets = [given.PASSWORD, "new-Horse-77", session, secret, *codes, token.secret, "typed-password"]
    for one in secrets:
        assert one not in stored
        assert one.replace("-", "") not in stored
        assert one not in caplog.text
    assert token.token.prefix in stored


def test_every_way_of_setting_a_password_stores_a_hash(house):
    _, _, context = house.member()
    added(house, context)
    claim(house, first_run.announce(house.app))
    change = c.ChangePassword(current_password=given.PASSWORD, new_password="new-Horse-77")
    own.change_password(house.app, change, context)
    with house.database.read() as connection:
        hashes = [row[0] for row in connection.exec_driver_sql("SELECT password_hash FROM users")]
    assert len(hashes) == 3
    assert all(one.startswith("quick$") for one in hashes)


def test_events_hold_no_personal_data(house):
    house.member()
    with house.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT data, metadata FROM events").fetchall()
    text = "\n".join(str(row) for row in rows)
    assert "AgreementAccepted" not in text  # types stand elsewhere
    for personal in ("Winter", "Nora", "nora", "blumen", "+4930", "Gartenstrasse", given.ADDRESS):
        assert personal not in text


def test_passwords_are_hashed_with_argon2id():
    hasher = Argon2Passwords(memory_kib=8192, passes=1)
    hashed = hasher.hash(given.PASSWORD)
    assert hashed.startswith("$argon2id$")
    assert hasher.verify(hashed, given.PASSWORD)
    assert not hasher.verify(hashed, "wrong")
    assert not hasher.verify(None, given.PASSWORD)
    assert not hasher.verify("rubbish", given.PASSWORD)
    assert Argon2Passwords(memory_kib=16384, passes=1).outdated(hashed)
