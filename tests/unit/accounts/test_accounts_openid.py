# SPDX-License-Identifier: Apache-2.0
"""Sign-in by a provider that signs with real keys: who gets in, and every lie that does not help."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st
from joserfc import jwk
from pydantic import SecretStr, ValidationError

from services.accounts.adapters import openid as adapter
from services.accounts.adapters.id_tokens import claims_of, read_keys
from services.accounts.handlers import company, openid, own, sign_up
from services.accounts.model import openid as rules
from services.accounts.settings import AccountsSettings
from services.accounts.tables import openid as table
from shared.context import Context
from shared.contracts import accounts as c
from shared.errors import Code, ServiceError
from tests.support import account_builders as given
from tests.support.openid_provider import CLIENT, SECRET, Provider, Wire, new_key

ISSUER = "https://login.example/realm"
BACK = "https://certwright.example/sign-in/oidc/callback"
BROWSER = "b" * 43


def settings(**changes):
    fields = {"oidc_issuer": ISSUER, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET)}
    return AccountsSettings(**{**fields, **changes})


class Place:
    """An accounts room with a provider, and a browser that goes between them."""

    def __init__(self, folder, alg="ES256"):
        self.provider = Provider(ISSUER, BACK, alg=alg, now=lambda: self.house.clock.now().timestamp())
        self.wire = Wire(self.provider)
        own_settings = settings()
        self.house = given.House(
            folder, provider=lambda clock: adapter.OpenIDProvider(self.wire, own_settings, clock, plain=False)
        )
        self.app = self.house.app

    def begin(self, browser=BROWSER, **more):
        request = c.BeginOIDCSignIn(browser=browser, remote_address=given.ADDRESS, **more)
        return openid.begin_sign_in(self.app, request, Context())

    def finish(self, brought, browser=BROWSER, context=None, **changes):
        fields = {
            "state": brought.get("state", ""),
            "code": brought.get("code", ""),
            "error": brought.get("error", ""),
            "issuer": brought.get("iss", ""),
            "browser": browser,
            "remote_address": given.ADDRESS,
        }
        return openid.finish(self.app, c.FinishOIDC(**{**fields, **changes}), context or Context())

    def sign_in(self, subject="nora", **changes):
        return self.finish(self.provider.visit(self.begin().url, subject), **changes)

    def begin_link(self, context, password=given.PASSWORD):
        return openid.begin_link(self.app, c.BeginOIDCLink(current_password=password), context)

    def link(self, context, subject="nora"):
        begun = self.begin_link(context)
        return self.finish(self.provider.visit(begun.url, subject), begun.browser, context)

    def identities(self, context):
        return openid.list_identities(self.app, c.ListOIDCIdentities(), context).items

    def events(self, done):
        return [envelope.data for envelope in self.house.room.events(f"user-{done.user_id}")]


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path)
    yield found
    found.house.database.close()


@pytest.fixture
def nora(place):
    """(what the sign-up said, the context), with an identity that is connected."""
    done, _, context = place.house.member()
    place.link(context)
    return done, context


def refused(call, *arguments, **more):
    with pytest.raises(ServiceError) as error:
        call(*arguments, **more)
    return error.value


def why(call, *arguments, **more):
    return refused(call, *arguments, **more).extra.get("oidc")


# --- the right way ---------------------------------------------------------------------------------------------------


def test_who_connected_an_identity_signs_in_by_it(place, nora):
    done, context = nora
    finished = place.sign_in()
    assert finished.signed_in.user.user_id == done.user_id
    found = place.house.identity(session=finished.signed_in.session_token)
    assert (found.account_id, found.kind) == (done.account_id, "session")
    last = list(place.house.room.events(f"user-{done.user_id}"))[-1]
    assert (last.data.factor, last.metadata.account_id) == ("oidc", done.account_id)
    (shown,) = place.identities(context)
    assert (shown.issuer, shown.last_used_at is not None) == (ISSUER, True)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
def test_each_algorithm_that_is_allowed_works(tmp_path, alg):
    place = Place(tmp_path, alg)
    _, _, context = place.house.member()
    place.link(context)
    assert place.sign_in().signed_in
    place.house.database.close()


def test_the_question_holds_what_the_standards_ask_for(place):
    _, _, query = place.begin().url.partition("?")
    names = dict(part.split("=", 1) for part in query.split("&"))
    assert (names["response_type"], names["scope"], names["code_challenge_method"]) == ("code", "openid", "S256")
    assert names["redirect_uri"] == "https%3A%2F%2Fcertwright.example%2Fsign-in%2Foidc%2Fcallback"
    assert names["state"] != names["nonce"]
    other = place.begin().url
    assert names["state"] not in other
    assert names["nonce"] not in other
    assert names["code_challenge"] not in other


def test_the_challenge_is_that_of_the_rfc():
    # RFC 7636, appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert rules.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_it_goes_on_where_it_was_asked_for_and_never_elsewhere(place, nora):
    for asked, path in {"/orders?x=1": "/orders?x=1", "//evil.test": "/", "/\\evil.test": "/", "x": "/"}.items():
        brought = place.provider.visit(place.begin(next_path=asked).url)
        assert place.finish(brought).next_path == path


def test_a_new_key_of_the_provider_is_fetched_and_old_ones_are_kept_meanwhile(place, nora):
    place.sign_in()
    assert place.provider.asked.count("/keys") == 1
    assert place.provider.asked.count("/.well-known/openid-configuration") == 1
    place.provider.key = new_key("ES256", "k2")
    place.provider.published = [place.provider.key]
    assert place.sign_in().signed_in
    assert place.provider.asked.count("/keys") == 2
    place.house.clock.move(hours=1)
    assert place.sign_in().signed_in
    assert place.provider.asked.count("/.well-known/openid-configuration") == 2


def test_a_token_without_kid_is_tried_with_every_key_that_fits(place, nora):
    place.provider.published = [new_key("RS256", "r"), new_key("ES256", "other"), place.provider.key]
    place.house.clock.move(hours=2)
    place.provider.lies(header={"kid": None})
    assert place.sign_in().signed_in


def test_several_audiences_are_right_when_the_token_was_made_for_us(place, nora):
    place.provider.lies(claims={"aud": [CLIENT, "another"], "azp": CLIENT})
    assert place.sign_in().signed_in


# --- lies of the provider, or of who stands between ------------------------------------------------------------------

STRANGER = new_key("ES256", "k1")
WRONG = {
    "another issuer": {"claims": {"iss": "https://evil.test"}},
    "no issuer": {"claims": {"iss": None}},
    "another audience": {"claims": {"aud": "another"}},
    "no audience": {"claims": {"aud": None}},
    "two audiences and nobody's azp": {"claims": {"aud": [CLIENT, "another"]}},
    "another azp": {"claims": {"azp": "another"}},
    "another nonce": {"claims": {"nonce": "n" * 43}},
    "no nonce": {"claims": {"nonce": None}},
    "a nonce that is no text": {"claims": {"nonce": ["x"]}},
    "it has expired": {"claims": {"exp": 1}},
    "no end": {"claims": {"exp": None}},
    "an end that is no number": {"claims": {"exp": "2999-01-01"}},
    "an end that is true": {"claims": {"exp": True}},
    "issued long ago": {"claims": {"iat": 1}},
    "issued in future": {"claims": {"iat": 4102444800}},
    "no moment of issue": {"claims": {"iat": None}},
    "not yet": {"claims": {"nbf": 4102444800}},
    "no subject": {"claims": {"sub": None}},
    "an empty subject": {"claims": {"sub": ""}},
    "a subject that is a number": {"claims": {"sub": 7}},
    "a long subject": {"claims": {"sub": "x" * 256}},
    "signed by a stranger": {"key": STRANGER},
    "signed by a key that is not published": {"key": new_key("ES256", "k9")},
    "another algorithm with the same kid": {"key": new_key("RS256", "k1"), "alg": "RS256"},
    "signed by the client's secret": {"key": jwk.import_key(SECRET * 4, "oct", {"kid": "k1"}), "alg": "HS256"},
    "not signed": {"token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub3JhIn0."},
    "no token": {"token": "x"},
    "no token at all": {"token": 7},
}


@pytest.mark.parametrize("lie", WRONG.values(), ids=WRONG)
def test_a_token_that_does_not_hold_lets_nobody_in(place, nora, lie):
    done, context = nora
    place.provider.lies(**lie)
    error = refused(place.sign_in)
    assert (error.code, error.extra) == (Code.UNAUTHENTICATED, {"oidc": "invalid", "for": "sign_in"})
    assert [type(one).__name__ for one in place.events(done)].count("SignInSucceeded") == 1  # the password's
    place.provider.lies()
    assert place.sign_in().signed_in
    assert len(place.identities(context)) == 1


def test_a_changed_token_does_not_hold(place):
    keys = [place.provider.key]
    token = place.provider._id_token({"sub": "nora", "nonce": "n"})
    assert claims_of(token, keys)["sub"] == "nora"
    head, body, signature = token.split(".")
    other = base64.urlsafe_b64encode(b'{"sub":"otto"}').rstrip(b"=").decode()
    for changed in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}", token[:-4] + "AAAA"):
        with pytest.raises(ValueError, match=r"hold|token"):
            claims_of(changed, keys)


@pytest.mark.filterwarnings("ignore:Key size:joserfc.errors.SecurityWarning")
def test_keys_that_are_weak_or_for_something_else_are_not_taken():
    weak = jwk.generate_key("RSA", 1024, parameters={"kid": "w"}, auto_kid=True).as_dict(private=False)
    good = new_key().as_dict(private=False)
    raw = json.dumps({"keys": [weak, {**good, "use": "enc"}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, good]})
    assert [key.kid for key in read_keys(raw.encode())] == ["k1"]


@given_that(st.one_of(st.text(max_size=60), st.from_regex(r"[\w-]{0,30}\.[\w-]{0,30}\.[\w-]{0,30}", fullmatch=True)))
def test_noise_is_no_token(noise):
    with pytest.raises(ValueError, match=r"token|key|algorithm|hold"):
        claims_of(noise, [STRANGER])


@given_that(st.binary(max_size=200))
def test_noise_is_no_document(noise):
    for read in (read_keys, lambda raw: rules.read_discovery(raw, ISSUER, plain=False)):
        with pytest.raises(ValueError, match="cannot be read"):
            read(noise)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"discovery": {"issuer": "https://evil.test"}}, "unavailable"),
        ({"discovery": {"token_endpoint": "http://login.example/token"}}, "unavailable"),
        ({"discovery": {"authorization_endpoint": "http://127.0.0.1/x"}}, "unavailable"),
        ({"discovery": {"jwks_uri": "file:///etc/passwd"}}, "unavailable"),
        ({"discovery": {"jwks_uri": 7}}, "unavailable"),
        ({"status": {"/.well-known/openid-configuration": 500}}, "unavailable"),
        ({"status": {"/.well-known/openid-configuration": 302}}, "unavailable"),
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_visited(place, lie, reason):
    place.provider.lies(**lie)
    error = refused(place.begin)
    assert (error.code, error.extra["oidc"]) == (Code.UNAVAILABLE, reason)
    assert set(place.provider.asked) == {"/.well-known/openid-configuration"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"/token": 500}, "unavailable"),
        ({"/token": 302}, "unavailable"),
        ({"/token": 401}, "refused"),
        ({"/keys": 404}, "unavailable"),
    ],
)
def test_a_provider_that_fails_on_the_way_back(place, nora, status, reason):
    place.house.clock.move(hours=2)
    brought = place.provider.visit(place.begin().url)
    place.provider.lies(status=status)
    assert why(place.finish, brought) == reason


def test_a_provider_that_is_down(place):
    place.wire.down = "connect_timeout"
    assert refused(place.begin).code == Code.UNAVAILABLE


@pytest.mark.parametrize(
    ("url", "plain", "allowed"),
    [
        ("https://login.example/x", False, True),
        ("http://login.example/x", True, False),
        ("http://127.0.0.1:8080/x", True, True),
        ("http://127.0.0.1:8080/x", False, False),
        ("http://[::1]/x", True, True),
        ("http://localhost/x", True, True),
        ("https://user@login.example/", False, False),
        ("https://login.example/#x", False, False),
        ("https://[", False, False),
        ("https:///x", False, False),
        ("ftp://login.example", True, False),
        ("", True, False),
    ],
)
def test_where_a_provider_may_be(url, plain, allowed):
    assert rules.allowed_url(url, plain=plain) is allowed


# --- lies of browsers ------------------------------------------------------------------------------------------------


def test_an_answer_counts_once_for_a_while_and_in_the_browser_that_asked(place, nora):
    brought = place.provider.visit(place.begin().url)
    assert place.finish(brought).signed_in
    assert why(place.finish, brought) == "stale"
    stolen = place.provider.visit(place.begin().url)
    assert why(place.finish, stolen, "c" * 43) == "stale"
    assert why(place.finish, stolen) == "stale"  # used up by the thief's try
    assert why(place.finish, {"state": "s" * 43, "code": "x"}) == "stale"
    old = place.provider.visit(place.begin().url)
    place.house.clock.move(minutes=10)
    assert why(place.finish, old) == "stale"
    assert why(place.finish, {}) == "stale"


def test_the_code_of_another_sign_in_does_not_fit_the_verifier(place, nora):
    one, two = (place.provider.visit(place.begin().url) for _ in range(2))
    assert why(place.finish, one, code=two["code"]) == "refused"


def test_the_issuer_that_the_answer_names_must_be_this_one(place, nora):
    for issuer in ("https://evil.test", ""):
        brought = place.provider.visit(place.begin().url)
        assert why(place.finish, brought, issuer=issuer) == "invalid"
    place.house.clock.move(hours=2)
    place.provider.lies(discovery={"authorization_response_iss_parameter_supported": False})
    assert place.finish(place.provider.visit(place.begin().url), issuer="").signed_in
    assert why(place.finish, place.provider.visit(place.begin().url), issuer="https://evil.test") == "invalid"


@pytest.mark.parametrize(
    ("error", "reason"),
    [("access_denied", "cancelled"), ("server_error", "refused"), ("<b>", "refused"), ("", "invalid")],
)
def test_a_sign_in_that_ended_at_the_provider(place, nora, error, reason):
    brought = place.provider.visit(place.begin().url)
    assert why(place.finish, brought, code="", error=error) == reason
    assert why(place.finish, brought) == "stale"


def test_guessing_gets_slower_and_cancelling_does_not(place, nora):
    object.__setattr__(place.app, "settings", settings(failures_per_address=5))
    for _ in range(8):
        brought = place.provider.visit(place.begin().url)
        assert why(place.finish, brought, error="access_denied") == "cancelled"
    for _ in range(5):
        assert why(place.finish, {"state": "s" * 43}) == "stale"
    assert refused(place.finish, {"state": "s" * 43}).code == Code.RATE_LIMITED
    assert refused(place.begin).code == Code.RATE_LIMITED
    place.house.clock.move(minutes=1)
    assert place.sign_in().signed_in


def test_who_begins_again_and_again_fills_no_table(place, monkeypatch):
    monkeypatch.setattr(rules, "MOST_PENDING_PER_ADDRESS", 3)
    first = place.begin()
    for _ in range(3):
        place.house.clock.move(seconds=1)
        last = place.begin()
    with place.house.database.read() as connection:
        assert table.pending_count(connection) == 3
    assert why(place.finish, place.provider.visit(first.url)) == "stale"
    assert why(place.finish, place.provider.visit(last.url)) == "unknown"
    monkeypatch.setattr(rules, "MOST_PENDING", 2)
    assert refused(place.begin).code == Code.RATE_LIMITED


# --- whose identity --------------------------------------------------------------------------------------------------


def test_an_identity_that_nobody_connected_lets_nobody_in(place, nora):
    error = refused(place.sign_in, "otto")
    assert (error.code, error.extra["oidc"]) == (Code.UNAUTHENTICATED, "unknown")


def test_the_e_mail_address_of_a_user_opens_nothing(place):
    place.house.member()
    place.provider.lies(claims={"email": "nora@blumen-winter.example", "email_verified": True})
    assert why(place.sign_in) == "unknown"


def test_the_same_subject_of_another_issuer_is_somebody_else(place, nora):
    _, context = nora
    with place.house.database.write() as connection:
        connection.exec_driver_sql("UPDATE oidc_identities SET issuer = 'https://other.example'")
    assert why(place.sign_in) == "unknown"
    assert place.identities(context)[0].issuer == "https://other.example"


def test_connecting_needs_the_password_a_person_and_the_same_person_to_the_end(place):
    _, _, context = place.house.member()
    _, _, otto = place.house.member("otto")
    assert refused(place.begin_link, context, "wrong").pointer == "/current_password"
    token = own.create_token(place.app, c.CreateToken(name="t", permissions=["view"]), context).secret
    program = place.house.context_of(place.house.identity(token=token))
    assert refused(place.begin_link, program).code == Code.FORBIDDEN
    for somebody in (Context(), otto, program):
        begun = place.begin_link(context)
        error = refused(place.finish, place.provider.visit(begun.url), begun.browser, somebody)
        assert error.extra == {"oidc": "other_user", "for": "link"}
    begun = place.begin_link(context)
    assert why(place.finish, place.provider.visit(begun.url), BROWSER, context) == "stale"
    assert place.identities(context) == place.identities(otto) == []


def test_a_sign_in_that_somebody_else_began_connects_nothing(place):
    _, _, context = place.house.member()
    brought = place.provider.visit(place.begin().url)
    assert why(place.finish, brought, context=context) == "unknown"
    assert place.identities(context) == []


def test_an_identity_is_of_one_user_and_a_user_has_one_of_a_provider(place, nora):
    _, context = nora
    _, _, otto = place.house.member("otto")
    assert refused(place.link, otto).extra == {"oidc": "taken", "for": "link"}
    assert why(place.begin_link, context) == "connected_before"
    one, two = place.begin_link(otto), place.begin_link(otto)
    place.finish(place.provider.visit(one.url, "otto"), one.browser, otto)
    assert why(place.finish, place.provider.visit(two.url, "ottilie"), two.browser, otto) == "connected_before"


def test_what_was_disconnected_lets_nobody_in(place, nora):
    done, context = nora
    (shown,) = place.identities(context)

    def remove(password, identity_id=shown.identity_id, who=context):
        request = c.RemoveOIDCIdentity(identity_id=identity_id, current_password=password)
        return openid.remove_identity(place.app, request, who)

    _, _, otto = place.house.member("otto")
    assert refused(remove, "wrong").pointer == "/current_password"
    assert refused(remove, given.PASSWORD, "another").code == Code.NOT_FOUND
    assert refused(remove, given.PASSWORD, who=otto).code == Code.NOT_FOUND
    remove(given.PASSWORD)
    assert why(place.sign_in) == "unknown"
    assert [type(one).__name__ for one in place.events(done)][-2:] == ["OIDCIdentityLinked", "OIDCIdentityRemoved"]
    place.link(context)
    assert place.sign_in().signed_in


def colleague(place, done):
    """(user id, the administrator's context, the colleague's) with the identity `ben`."""
    admin = place.house.context(place.house.sign_in(order_number=str(done.order_number)).session_token)
    added = c.AddUser(login="ben", password="Temporary-Pass-42", email="b@example.com", permissions=["view"])
    user = sign_up.add_user(place.app, added, admin)
    number = str(done.order_number)
    session = place.house.sign_in("ben", "Temporary-Pass-42", order_number=number, new_password="Chosen-By-Me-42")
    context = place.house.context(session.session_token)
    begun = place.begin_link(context, "Chosen-By-Me-42")
    place.finish(place.provider.visit(begun.url, "ben"), begun.browser, context)
    return user.user_id, admin, context


def test_a_user_who_is_gone_or_must_choose_a_password_is_refused(place):
    done = place.house.sign_up()
    user_id, admin, _ = colleague(place, done)
    assert place.sign_in("ben").signed_in
    company.reset_password(place.app, c.ResetPassword(user_id=user_id, password="Temporary-Pass-43"), admin)
    error = refused(place.sign_in, "ben")
    assert (error.code, error.extra) == (Code.CREDENTIALS_EXPIRED, {"for": "sign_in"})
    place.house.do(company.remove_user, c.RemoveUser(user_id=user_id), admin)
    assert why(place.sign_in, "ben") == "unknown"


def test_a_reset_of_the_second_step_disconnects_identities_too(place):
    done = place.house.sign_up()
    user_id, admin, _ = colleague(place, done)
    reset = c.ResetPassword(user_id=user_id, password="Temporary-Pass-43", remove_second_step=True)
    company.reset_password(place.app, reset, admin)
    assert why(place.sign_in, "ben") == "unknown"


def test_an_old_password_must_be_changed_first(place, nora):
    object.__setattr__(place.app, "settings", settings(password_max_age_days=1))
    place.house.clock.move(days=2)
    assert refused(place.sign_in).code == Code.CREDENTIALS_EXPIRED


def test_agreements_that_are_due_come_with_the_session(place):
    done = place.house.sign_up()
    colleague(place, done)
    assert [one.kind for one in place.sign_in("ben").signed_in.agreements_due] == ["eula"]


# --- around it -------------------------------------------------------------------------------------------------------


def test_without_a_provider_everything_says_so(house):
    _, _, context = house.member()
    off = [
        lambda: openid.begin_sign_in(house.app, c.BeginOIDCSignIn(), Context()),
        lambda: openid.begin_link(house.app, c.BeginOIDCLink(current_password=given.PASSWORD), context),
        lambda: openid.finish(house.app, c.FinishOIDC(state="s", browser="b"), Context()),
    ]
    for call in off:
        error = refused(call)
        assert (error.code, error.extra) == (Code.NOT_FOUND, {"oidc": "off"})
    assert openid.list_identities(house.app, c.ListOIDCIdentities(), context).items == []


def test_settings_are_whole_or_refused():
    assert settings(oidc_name=" Blumen ID ").oidc_label == "Blumen ID"
    assert settings().oidc_label == "login.example"
    assert AccountsSettings().oidc_label == ""
    assert SECRET not in repr(settings())
    for missing in ({"oidc_client_id": ""}, {"oidc_client_secret": SecretStr("")}):
        with pytest.raises(ValidationError):
            settings(**missing)
    with pytest.raises(ValueError, match="https"):
        adapter.OpenIDProvider(None, settings(oidc_issuer="http://login.example"), None, plain=True)


def test_what_was_begun_is_forgotten_in_time_and_nothing_secret_is_kept(place, nora):
    done, _ = nora
    begun = place.begin()
    state = begun.url.partition("state=")[2].partition("&")[0]
    nonce = begun.url.partition("nonce=")[2].partition("&")[0]
    stored = place.house.everything_stored()
    assert state not in stored
    assert nonce not in stored
    assert BROWSER not in stored
    assert place.sign_in().signed_in.session_token not in place.house.everything_stored()
    place.house.clock.move(minutes=11)
    place.house.do(company.forget_old, ("", ""), Context())
    with place.house.database.read() as connection:
        assert table.pending_count(connection) == 0
    assert ISSUER not in str(place.events(done))


def test_a_session_of_somebody_else_in_the_browser_changes_nothing(place, nora):
    done, _ = nora
    _, _, otto = place.house.member("otto")
    finished = place.sign_in(context=otto)
    assert finished.signed_in.user.user_id == done.user_id
    last = list(place.house.room.events(f"user-{done.user_id}"))[-1]
    assert (last.metadata.actor, last.metadata.account_id) == ("public", done.account_id)
