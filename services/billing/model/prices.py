# SPDX-License-Identifier: Apache-2.0
"""The price list: what is sold, in which forms, and what a product costs for given names.

Amounts are integers in minor units of the list's currency; there is no float anywhere on the way from the file to a
quote.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

import msgspec

from shared.contracts.billing import Product, QuoteLine, Term
from shared.errors import ServiceError, invalid
from shared.pki.fqdn import FQDN, NameRefusedError

FORMS = ("single", "wildcard", "multi_domain", "ucc")
LEVELS = ("DV", "OV", "EV")
MAX_TERM_YEARS = {"DV": 3, "OV": 3, "EV": 2}


class _ListedTerm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A term as it stands in the file; what follows from its price is added to make a `Term`."""

    years: int
    price: int
    included_names: int = 1
    extra_name_price: int | None = None
    extra_wildcard_price: int | None = None
    max_names: int = 1
    max_wildcards: int = 0


class _ListedProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product as it stands in the file; the list's currency is added to make a `Product`."""

    code: str
    name: str
    form: str
    validation_level: str
    description: str
    terms: list[_ListedTerm]


class _ListedPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    version: str
    currency: str
    products: list[_ListedProduct]


@dataclass(frozen=True)
class PriceList:
    """Products by code, in the order of the file."""

    version: str
    currency: str
    products: dict[str, Product]

    @classmethod
    def parse(cls, text: str) -> PriceList:
        """Reads the TOML text of a price list. Raises ValueError with what is wrong with it."""
        try:
            listed = msgspec.convert(tomllib.loads(text), _ListedPrices)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise ValueError(f"the price list cannot be read: {error}") from None
        products: dict[str, Product] = {}
        for item in listed.products:
            fields = {name: getattr(item, name) for name in item.__struct_fields__}
            product = Product(**{**fields, "terms": _terms(item.terms)}, currency=listed.currency)
            _check(product)
            if product.code in products:
                raise ValueError(f"product {product.code} is listed twice")
            products[product.code] = product
        if len(listed.currency) != 3 or not listed.currency.isupper():
            raise ValueError(f"currency {listed.currency!r} is no ISO 4217 code")
        return cls(listed.version, listed.currency, products)


def _terms(listed: list[_ListedTerm]) -> list[Term]:
    """The terms with what a year of each costs, beside a year of the first and shortest."""
    terms = []
    for term in listed:
        years = max(term.years, 1)  # nonsense is refused afterwards, by name
        first = listed[0].price * years
        saved = max(0, first - term.price * max(listed[0].years, 1))
        fields = {name: getattr(term, name) for name in term.__struct_fields__}
        percent = 100 * saved // first if first > 0 else 0
        terms.append(Term(**fields, per_year=term.price // years, saves_percent=percent))
    return terms


def _check(product: Product) -> None:
    """Refuses a product that nobody could order, or that costs less than nothing. Raises ValueError."""
    where = f"product {product.code}"
    if product.form not in FORMS:
        raise ValueError(f"{where}: form must be one of {', '.join(FORMS)}")
    if product.validation_level not in LEVELS:
        raise ValueError(f"{where}: validation_level must be one of {', '.join(LEVELS)}")
    years = [term.years for term in product.terms]
    if not years or years != sorted(set(years)) or not 1 <= years[0] <= years[-1] <= MAX_TERM_YEARS["DV"]:
        raise ValueError(f"{where}: terms must be 1 to 3 years, each once, ascending")
    if years[-1] > MAX_TERM_YEARS[product.validation_level]:
        raise ValueError(f"{where}: {product.validation_level} has terms of at most 2 years")
    for term in product.terms:
        amounts = (term.price, term.extra_name_price or 0, term.extra_wildcard_price or 0)
        if min(amounts) < 0 or not 1 <= term.included_names <= term.max_names or term.max_wildcards < 0:
            raise ValueError(f"{where}: a term of {term.years} years does not add up")
        if product.validation_level == "EV" and term.max_wildcards:
            raise ValueError(f"{where}: EV certificates have no wildcards")


@dataclass(frozen=True)
class Priced:
    """What a product costs for these names: canonical names, the lines in words, and their sum."""

    product: Product
    names: list[str]
    lines: list[QuoteLine]
    total: int


def price(prices: PriceList, code: str, names: list[str], term_years: int, currency: str) -> Priced:
    """Prices a product. Raises ServiceError `invalid` with a pointer to the field that does not fit."""
    product = prices.products.get(code)
    if product is None:
        raise invalid(f"There is no product {code[:60]!r}; see the price list.", "/product")
    if currency != prices.currency:
        raise invalid(f"Prices are in {prices.currency}.", "/currency")
    term = next((each for each in product.terms if each.years == term_years), None)
    if term is None:
        years = ", ".join(str(each.years) for each in product.terms)
        raise invalid(f"{product.name} is sold for terms of {years} years.", "/term_years")
    canonical = _read(names, product, term)
    lines = _lines(product, term, canonical)
    return Priced(product, [name.text for name in canonical], lines, sum(line.amount for line in lines))


def _read(names: list[str], product: Product, term: Term) -> list[FQDN]:
    """The names in their only form, each once, in the order given; refused where the product's form does not allow."""
    if not names:
        raise invalid("Give at least one name.", "/names")
    found: dict[FQDN, int] = {}
    for index, text in enumerate(names):
        try:
            found.setdefault(FQDN.parse(text), index)
        except NameRefusedError as refused:
            extra = {"reason": str(refused.fault)}
            raise ServiceError("invalid", refused.detail, pointer=f"/names/{index}", extra=extra) from None
    wildcards = [name for name in found if name.wildcard]
    if product.form == "wildcard":
        if len(wildcards) != 1 or any(name not in (wildcards[0], wildcards[0].base) for name in found):
            raise invalid(f"{product.name} is for one name such as *.example.com, and example.com itself.", "/names")
        return list(found)
    if product.form == "single" and len(found) > 1:
        raise invalid(f"{product.name} is for one name; choose a multi-name product for more.", "/names")
    if wildcards and not (term.max_wildcards and term.extra_wildcard_price is not None):
        raise _no_wildcard(product, found[wildcards[0]])
    if len(wildcards) > term.max_wildcards:
        raise invalid(f"{product.name} takes at most {term.max_wildcards} wildcard names.", "/names")
    plain = len(found) - len(wildcards)
    allowed = term.max_names if term.extra_name_price is not None else term.included_names
    if plain > allowed or len(found) > term.max_names:
        raise invalid(f"{product.name} takes at most {allowed} names.", "/names")
    return list(found)


def _no_wildcard(product: Product, index: int) -> ServiceError:
    return invalid(f"{product.name} takes no wildcard names; choose a wildcard product.", f"/names/{index}")


def _lines(product: Product, term: Term, names: list[FQDN]) -> list[QuoteLine]:
    """The lines of a quote in words. Wildcards of a multi-name product are never among the included names."""
    years = "1 year" if term.years == 1 else f"{term.years} years"
    first = f"{product.name}, {years}"
    if term.included_names > 1:
        first += f", up to {term.included_names} names"
    lines = [QuoteLine(text=first, quantity=1, unit_price=term.price, amount=term.price)]
    if product.form not in {"multi_domain", "ucc"}:
        return lines
    wildcards = sum(name.wildcard for name in names)
    extra = len(names) - wildcards - term.included_names
    if extra > 0 and term.extra_name_price is not None:
        lines.append(_line("Additional name", extra, term.extra_name_price))
    if wildcards and term.extra_wildcard_price is not None:
        lines.append(_line("Wildcard name", wildcards, term.extra_wildcard_price))
    return lines


def _line(text: str, quantity: int, unit_price: int) -> QuoteLine:
    plural = text if quantity == 1 else f"{text}s"
    return QuoteLine(text=plural, quantity=quantity, unit_price=unit_price, amount=quantity * unit_price)
