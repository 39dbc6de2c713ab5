# SPDX-License-Identifier: Apache-2.0
"""Prices: what a product costs for which names, and who is told why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.bootstrap import BUILT_IN_PRICES
from services.billing.model.prices import PriceList, price
from shared.errors import Code, ServiceError

PRICES = PriceList.parse(BUILT_IN_PRICES.read_text())


def quoted(product, names, years=1, currency="USD"):
    return price(PRICES, product, names, years, currency)


def refusal(*args, **kwargs):
    with pytest.raises(ServiceError) as caught:
        quoted(*args, **kwargs)
    assert caught.value.code is Code.INVALID
    return caught.value


def test_the_built_in_list_has_every_form_and_level_and_one_free_product():
    products = PRICES.products.values()
    assert {each.form for each in products} == {"single", "wildcard", "multi_domain", "ucc"}
    assert {each.validation_level for each in products} == {"DV", "OV", "EV"}
    assert [each.code for each in products if each.terms[0].price == 0] == ["trial-single"]
    assert all(term.years <= 2 for each in products if each.validation_level == "EV" for term in each.terms)


def test_a_single_name_costs_the_price_of_its_term():
    assert quoted("dv-single", ["Example.COM."]).names == ["example.com"]
    assert [quoted("dv-single", ["example.com"], years).total for years in (1, 2, 3)] == [4995, 9190, 12885]


def test_a_term_says_what_a_year_costs_and_how_much_less_than_alone_that_is():
    """11.01 of the guide: "2 years: $45.95/yr. Save 8%"."""
    terms = PRICES.products["dv-single"].terms
    assert [(each.years, each.per_year, each.saves_percent) for each in terms] == [
        (1, 4995, 0),
        (2, 4595, 8),
        (3, 4295, 14),
    ]
    assert [(each.per_year, each.saves_percent) for each in PRICES.products["trial-single"].terms] == [(0, 0)]


@given(first=st.integers(0, 10**9), second=st.integers(0, 10**9))
def test_what_a_term_saves_is_never_said_too_high(first, second):
    terms = f"terms = [{{ years = 1, price = {first} }}, {{ years = 2, price = {second} }}]"
    product = f'code = "x"\nname = "x"\nform = "single"\nvalidation_level = "DV"\ndescription = ""\n{terms}\n'
    listed = PriceList.parse(f'version = "1"\ncurrency = "USD"\n[[products]]\n{product}')
    one, two = listed.products["x"].terms
    assert one.saves_percent == 0
    assert two.per_year * 2 <= second
    assert 0 <= two.saves_percent <= 100
    assert second * 100 <= 2 * first * (100 - two.saves_percent) or two.saves_percent == 0


def test_names_beyond_the_included_ones_cost_extra_each_and_wildcards_always():
    names = ["a.example.com", "b.example.com", "c.example.com", "d.example.com", "e.example.com", "*.example.net"]
    priced = quoted("dv-multi", names, 2)
    assert [(line.text, line.quantity, line.unit_price, line.amount) for line in priced.lines] == [
        ("Domain Multi-Name Certificate, 2 years, up to 3 names", 1, 20240, 20240),
        ("Additional names", 2, 17480, 34960),
        ("Wildcard name", 1, 20500, 20500),
    ]
    assert priced.total == 20240 + 34960 + 20500


def test_a_name_given_twice_is_paid_once():
    assert quoted("dv-multi", ["a.example.com", "A.example.com"]).names == ["a.example.com"]


def test_a_wildcard_product_takes_one_wildcard_and_its_base():
    assert quoted("dv-wildcard", ["*.example.com", "example.com"]).total == 44995
    for names in (["example.com"], ["*.example.com", "*.example.net"], ["*.example.com", "www.example.org"]):
        assert refusal("dv-wildcard", names).pointer == "/names"


@pytest.mark.parametrize(
    ("product", "names", "years", "currency", "pointer"),
    [
        ("nothing", ["example.com"], 1, "USD", "/product"),
        ("dv-single", ["example.com"], 4, "USD", "/term_years"),
        ("ev-single", ["example.com"], 3, "USD", "/term_years"),
        ("dv-single", ["example.com"], 1, "EUR", "/currency"),
        ("dv-single", [], 1, "USD", "/names"),
        ("dv-single", ["example.com", "www.example.com"], 1, "USD", "/names"),
        ("dv-single", ["*.example.com"], 1, "USD", "/names/0"),
        ("ev-multi", ["example.com", "*.example.com"], 1, "USD", "/names/1"),
        ("dv-multi", ["example.com", "not a name"], 1, "USD", "/names/1"),
        ("dv-multi", [f"n{n}.example.com" for n in range(101)], 1, "USD", "/names"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(product, names, years, currency, pointer):
    assert refusal(product, names, years, currency).pointer == pointer


@given(
    plain=st.integers(0, 100),
    wild=st.integers(0, 100),
    product=st.sampled_from(["dv-multi", "dv-ucc", "ov-multi", "ov-ucc"]),
    years=st.integers(1, 3),
)
def test_the_total_is_the_sum_of_its_lines_and_grows_with_every_name(plain, wild, product, years):
    names = [f"n{n}.example.com" for n in range(plain)] + [f"*.w{n}.example.com" for n in range(wild)]
    if not names or len(names) > 100:
        assert refusal(product, names, years).pointer == "/names"
        return
    priced = quoted(product, names, years)
    assert priced.total == sum(line.amount for line in priced.lines)
    assert all(line.amount == line.quantity * line.unit_price for line in priced.lines)
    if len(names) > 1:
        assert quoted(product, names[:-1], years).total <= priced.total


def bad_list(**changes):
    product = {
        "code": "x",
        "name": "X",
        "form": "single",
        "validation_level": "DV",
        "description": "",
        "terms": "[{ years = 1, price = 5 }]",
        **changes,
    }
    lines = [f"{key} = {value if key == 'terms' else repr(value)}" for key, value in product.items()]
    return 'version = "1"\ncurrency = "USD"\n[[products]]\n' + "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "version = ",
        bad_list(form="round"),
        bad_list(validation_level="XV"),
        bad_list(terms="[]"),
        bad_list(terms="[{ years = 1, price = -1 }]"),
        bad_list(terms="[{ years = 1, price = 1.5 }]"),
        bad_list(terms="[{ years = 4, price = 1 }]"),
        bad_list(terms="[{ years = 3, price = 1 }]", validation_level="EV"),
        bad_list(terms="[{ years = 1, price = 1, max_wildcards = 1 }]", validation_level="EV"),
        bad_list() + bad_list().partition('USD"\n')[2],
        bad_list().replace("USD", "usd"),
    ],
)
def test_a_price_list_that_makes_no_sense_is_refused_at_the_start(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the message names the product; which word it uses is not the promise
        PriceList.parse(text)


def test_a_correct_list_of_ones_own_is_taken():
    assert PriceList.parse(bad_list()).products["x"].terms[0].price == 5
