# SPDX-License-Identifier: Apache-2.0
"""The search for what a server accepts, against servers that are a list in memory; and the names of primes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.probe.conversation import Outcome
from shared.probe.outcome import Failed, Failure
from shared.probe.surveying.elimination import CLIENT, SERVER, UNKNOWN, Choose, eliminate, eliminate_each, rank
from shared.probe.surveying.inquiry import Inquiry, Together, together
from shared.probe.surveying.primes import known_prime
from shared.probe.surveying.rsa_key import read_rsa_key

_REFUSED = Failed(Failure.ALERT, "handshake_failure", 40, connected=True)


def drive(inquiry: Inquiry[Any]) -> Any:
    """Holds an inquiry that asks nobody."""
    answer: Any = None
    while True:
        try:
            wanted = inquiry.send(answer)
        except StopIteration as end:
            return end.value
        assert isinstance(wanted, Together)
        answer = [drive(one) for one in wanted.inquiries]


def server(order: list[int], *, decides: bool = True) -> Choose[int]:
    """Takes what stands in `order`; the first of its own list, or the first of the offer."""

    def choose(offer: tuple[int, ...]) -> Inquiry[Outcome[int]]:
        yield from together()
        common = [code for code in order if code in offer] if decides else [code for code in offer if code in order]
        return common[0] if common else _REFUSED

    return choose


_ORDERS = st.lists(st.integers(0, 60), unique=True, max_size=20)


@given(_ORDERS, st.integers(1, 7))
def test_all_that_is_accepted_is_found_in_whatever_chunks(order: list[int], hands: int) -> None:
    chunks = [tuple(range(61))[hand::hands] for hand in range(hands)]
    found = drive(eliminate_each(server(order), chunks))
    assert sorted(code for one in found for code in one.accepted) == sorted(order)
    assert not any(one.lacking for one in found)


@given(_ORDERS, st.permutations(list(range(61))))
def test_the_order_of_a_server_is_found_however_wrong_the_guess(order: list[int], guess: list[int]) -> None:
    choose = server(order)
    found = drive(eliminate_each(choose, [tuple(range(0, 61, 2)), tuple(range(1, 61, 2))]))
    preference, codes = drive(rank(choose, [one.accepted for one in found], guess.index))
    assert preference == (SERVER if len(order) > 1 else UNKNOWN)
    assert list(codes) == order


@given(_ORDERS)
def test_a_server_that_takes_the_first_of_the_offer_has_no_order(order: list[int]) -> None:
    choose = server(order, decides=False)
    found = drive(eliminate(choose, range(61)))
    preference, codes = drive(rank(choose, [found.accepted], lambda code: code))
    assert preference == (CLIENT if len(order) > 1 else UNKNOWN)
    assert sorted(codes) == sorted(order)


def _answering(*answers: Outcome[int]) -> Choose[int]:
    left = list(answers)

    def choose(_offer: tuple[int, ...]) -> Inquiry[Outcome[int]]:
        yield from together()
        return left.pop(0)

    return choose


def test_a_search_that_is_cut_short_says_so() -> None:
    timeout = Failed(Failure.TIMEOUT, "no answer in time", connected=True)
    found = drive(eliminate(_answering(3, timeout), range(9)))
    assert (found.accepted, found.lacking) == ((3,), "timeout: no answer in time")


def test_a_server_that_chooses_what_was_not_offered_is_not_believed() -> None:
    found = drive(eliminate(_answering(3, 3), range(9)))
    assert found.accepted == (3,)
    assert "not offered" in found.lacking


@pytest.mark.parametrize("prime", [2**1023 + 1, 2**2047 + 9, 2**767 + 1])
def test_other_primes_have_no_name(prime: int) -> None:
    assert known_prime(prime) == ""


def test_a_published_prime_has_its_name() -> None:
    # RFC 2409 §6.1, as written there.
    oakley = (
        "FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD "
        "EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A63A3620 FFFFFFFF FFFFFFFF"
    )
    assert known_prime(int(oakley.replace(" ", ""), 16)) == "RFC 2409 group 1"


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_of_rsa_keys(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|RSA"):
        read_rsa_key(der)
