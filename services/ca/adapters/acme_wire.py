# SPDX-License-Identifier: Apache-2.0
"""Requests to another CA's ACME server by the library `acme`, with the patience that it lacks.

It repeats a `badNonce` once; servers under load refuse more in a row (RFC 8555 §6.5 asks clients to repeat). What
Retry-After says of a refused request is lost in its errors; it is read here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import requests
from acme import client, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from josepy.util import ComparableECKey

from services.ca.ports import IssuerRefusedError, IssuerUnavailableError

T = TypeVar("T")
NONCE_TRIES = 8  # each is two requests of the library
TIMEOUT_S = 30
# RFC 8555 §6.7: what may go differently when it is asked again.
PASSING = frozenset({"badNonce", "serverInternal", "connection", "dns"})


class RateLimitedError(Exception):
    """The server wants no request before `seconds` have passed."""

    def __init__(self, seconds: float, detail: str) -> None:
        super().__init__(detail)
        self.seconds = seconds


class PatientNetwork(client.ClientNetwork):
    """Signs with one account key; new nonces until one is taken; 429 and 503 as `RateLimitedError`."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, trust: str, sleep: Callable[[float], None] = time.sleep):
        super().__init__(
            JWKEC(key=ComparableECKey(key)),
            alg=ES256,
            # The library hands it to `requests`, which takes the path of a bundle as well.
            verify_ssl=cast("bool", trust or True),
            user_agent="certwright",
            timeout=TIMEOUT_S,
        )
        self._sleep = sleep
        self.session.hooks["response"].append(_limited)

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        """One signed request. Raises what the library raises, and RateLimitedError."""
        for tried in range(NONCE_TRIES):
            try:
                return super().post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce" or tried == NONCE_TRIES - 1:
                    raise
                self._sleep(random.uniform(0, 0.05 * 2**tried))  # noqa: S311 - spreads load, guards nothing
        raise AssertionError("unreachable")


def _limited(response: requests.Response, *_: Any, **__: Any) -> None:
    if response.status_code == 429 or (response.status_code == 503 and "Retry-After" in response.headers):
        try:
            detail = str(response.json().get("detail", ""))
        except ValueError:
            detail = ""
        raise RateLimitedError(retry_after(response, 60), detail or "too many requests")


def retry_after(response: requests.Response, default: float) -> float:
    """Seconds from the Retry-After of an answer (RFC 9110 §10.2.3: seconds or a date), between 1 and a day; `default`
    where there is none.
    """
    if "Retry-After" not in response.headers:
        return default
    moment = client.ClientV2.retry_after(response, 60)
    return min(max((moment - type(moment).now()).total_seconds(), 1.0), 86_400.0)


def said(error: messages.Error) -> str:
    """What an ACME server said, for people; with what it said of single names."""
    parts = [error.detail or error.title or error.code or "no reason was given"]
    parts += [f"{each.identifier.value if each.identifier else '?'}: {each.detail}" for each in error.subproblems or ()]
    return "; ".join(str(part) for part in parts)


def guarded(name: str, call: Callable[[], T]) -> T:
    """`call()`, its errors in the words of the port. `name` is the CA's. RateLimitedError passes."""
    try:
        return call()
    except messages.Error as error:
        if error.code in PASSING:
            raise IssuerUnavailableError(f"{name} says: {said(error)}") from error
        raise IssuerRefusedError(f"{name} says: {said(error)}") from error
    except requests.RequestException as error:
        raise IssuerUnavailableError(f"{name} cannot be reached ({type(error).__name__}).") from error
    except (errors.Error, JoseError, ValueError, KeyError, TypeError) as error:
        raise IssuerUnavailableError(f"{name} answered what is not ACME ({type(error).__name__}).") from error
