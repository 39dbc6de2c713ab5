# SPDX-License-Identifier: Apache-2.0
"""Fully qualified DNS names as they may stand in a certificate.

Rules: CA/Browser Forum Baseline Requirements 2.2.6 §7.1.4.2.1 (dNSName: P-labels or non-reserved LDH labels, no
underscore),
§3.2.2.6 (wildcards never on a public suffix), RFC 1035 §2.3.4 (63 and 253 octets), RFC 5890 (IDNA 2008).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

import idna
from publicsuffixlist import PublicSuffixList

MAX_NAME = 253
MAX_LABEL = 63
# A U-label can be longer in characters than its A-label only by mapping; four times is beyond any honest input.
MAX_INPUT = 4 * MAX_NAME

_LDH = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DOTS = re.compile("[.。．｡]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class NameFault(StrEnum):
    """Why a name was refused. Closed list."""

    EMPTY = "name_empty"
    NOT_A_NAME = "name_malformed"
    URL = "name_is_url"
    EMAIL = "name_is_email"
    IP_ADDRESS = "name_is_ip_address"
    SINGLE_LABEL = "name_single_label"
    UNDERSCORE = "name_underscore"
    TOO_LONG = "name_too_long"
    BAD_LABEL = "name_bad_label"
    BAD_IDN = "name_bad_idn"
    PUBLIC_SUFFIX = "name_public_suffix"
    WILDCARD_PLACE = "name_wildcard_misplaced"
    WILDCARD_NOT_ALLOWED = "name_wildcard_not_allowed"


class NameRefusedError(ValueError):
    """A name that cannot stand in a certificate; `detail` says what to write instead."""

    def __init__(self, fault: NameFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True, order=True)
class FQDN:
    """One name in its only form: lower case, A-labels, no trailing dot, `*.` in front when it is a wildcard.

    Made by `FQDN.parse`; two names are equal exactly when they are the same name.
    """

    text: str

    @classmethod
    def parse(cls, text: str, *, wildcard: bool = True) -> FQDN:
        """Reads what a person typed. Raises NameRefusedError with the reason."""
        name = _canonical(text)
        if name.startswith("*.") and not wildcard:
            raise NameRefusedError(
                NameFault.WILDCARD_NOT_ALLOWED,
                "Wildcard names belong to wildcard products; write the name without '*.'.",
            )
        return cls(name)

    def __str__(self) -> str:
        return self.text

    @property
    def wildcard(self) -> bool:
        """Whether the name is `*.<base>`."""
        return self.text.startswith("*.")

    @property
    def base(self) -> FQDN:
        """The authorization FQDN: the name itself, without `*.` (BR §3.2.2.4: a wildcard is proved by its base)."""
        return FQDN(self.text[2:]) if self.wildcard else self

    @property
    def registrable(self) -> str:
        """One label below the public suffix (`example.co.uk`); the base itself where that is a private suffix."""
        base = self.base.text
        return _suffixes().privatesuffix(base) or base

    @property
    def unicode(self) -> str:
        """The form for people, with U-labels."""
        return _to_unicode(self.text) if "xn--" in self.text else self.text

    def walk(self) -> tuple[FQDN, ...]:
        """The base and every parent up to the registrable name, longest first. Never at or above a public suffix."""
        labels = self.base.text.split(".")
        stop = len(self.registrable.split("."))
        return tuple(FQDN(".".join(labels[start:])) for start in range(len(labels) - stop + 1))

    def covers(self, other: FQDN) -> bool:
        """Whether a certificate for this name serves `other` (RFC 6125 §6.4.3: `*` is exactly one label)."""
        if not self.wildcard:
            return self == other
        return self == other or (not other.wildcard and other.text.partition(".")[2] == self.base.text)


def read_names(text: str, *, wildcard: bool = True) -> tuple[list[FQDN], list[tuple[str, NameRefusedError]]]:
    """Reads a list as people paste it (lines, commas, blanks): the names without repetition in order, and what was
    refused."""
    names: dict[FQDN, None] = {}
    refused: list[tuple[str, NameRefusedError]] = []
    for word in re.split(r"[\s,;]+", text):
        if not word:
            continue
        try:
            names[FQDN.parse(word, wildcard=wildcard)] = None
        except NameRefusedError as error:
            refused.append((word, error))
    return list(names), refused


@cache
def _suffixes() -> PublicSuffixList:
    # Both sections of the list: an ADN at `github.io` must not prove `someone.github.io`.
    return PublicSuffixList()


@cache
def _registry_suffixes() -> PublicSuffixList:
    # BR §3.2.2.6: the ICANN section alone says which suffixes are registry-controlled.
    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=8192)
def _canonical(text: str) -> str:
    name = text.strip()
    if not name:
        raise NameRefusedError(NameFault.EMPTY, "The name is empty.")
    if len(name) > MAX_INPUT:
        raise NameRefusedError(NameFault.TOO_LONG, f"A name has at most {MAX_NAME} characters.")
    if not _PLAIN.fullmatch(name) or "--" in name:
        name = _mapped(name)
    if len(name) - 2 * name.startswith("*.") > MAX_NAME:
        raise NameRefusedError(NameFault.TOO_LONG, f"A name has at most {MAX_NAME} characters.")
    base = name.removeprefix("*.")
    if _registry_suffixes().privatesuffix(base) is None:
        raise NameRefusedError(
            NameFault.PUBLIC_SUFFIX,
            f"{base} is a public suffix: nobody can own it or all names below it. Write a name under it.",
        )
    return name


def _mapped(name: str) -> str:
    """The slow path: says exactly what is wrong, or maps an internationalised or upper-case name."""
    _refuse_other_things(name)
    labels = _DOTS.split(name)
    if labels[-1] == "":
        labels.pop()  # a trailing dot is how DNS people write a complete name
    star = labels[0] == "*"
    if star:
        labels = labels[1:]
    if any("*" in label for label in labels):
        raise NameRefusedError(NameFault.WILDCARD_PLACE, "'*' may only be the whole first label, as in *.example.com.")
    if not labels or len(labels) == 1:
        raise NameRefusedError(
            NameFault.SINGLE_LABEL,
            "A public name has at least two labels, such as example.com; internal names get no certificate.",
        )
    mapped = [_label(label) for label in labels]
    if _NUMBER.fullmatch(mapped[-1]):
        raise NameRefusedError(
            NameFault.IP_ADDRESS, "This reads as an IP address; certificates here are for DNS names."
        )
    return ("*." if star else "") + ".".join(mapped)


def _refuse_other_things(name: str) -> None:
    if any(character.isspace() or ord(character) < 0x20 or ord(character) == 0x7F for character in name):
        raise NameRefusedError(NameFault.NOT_A_NAME, "A name has no blanks and no control characters.")
    if "://" in name or "/" in name:
        raise NameRefusedError(NameFault.URL, "Give the name only, without https:// and without a path.")
    if "@" in name:
        raise NameRefusedError(NameFault.EMAIL, "This is an e-mail address; give the name of a server.")
    if ":" in name or name.startswith("["):
        raise NameRefusedError(
            NameFault.IP_ADDRESS, "Give the name only, without a port; IP addresses get no certificate."
        )


def _label(label: str) -> str:
    if not label:
        raise NameRefusedError(NameFault.BAD_LABEL, "There are two dots in a row, or a dot in front.")
    if "_" in label:
        raise NameRefusedError(
            NameFault.UNDERSCORE, "Underscores are not allowed in names of certificates; use a hyphen or another name."
        )
    try:
        mapped = idna.encode(label, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        if label.isascii():
            shown = label[:MAX_LABEL].lower()
            if len(label) > MAX_LABEL:
                raise NameRefusedError(
                    NameFault.TOO_LONG, f"A label between dots has at most {MAX_LABEL} characters."
                ) from None
            fault = NameFault.BAD_IDN if shown.startswith("xn--") else NameFault.BAD_LABEL
            raise NameRefusedError(fault, f"The label {shown!r} is not allowed: {error}.") from None
        raise NameRefusedError(NameFault.BAD_IDN, f"This is not a valid internationalised name: {error}.") from None
    if "." in mapped or not _LDH.fullmatch(mapped):
        raise NameRefusedError(NameFault.BAD_LABEL, f"The label {mapped[:MAX_LABEL]!r} is not allowed.")
    return mapped


def _to_unicode(name: str) -> str:
    star = name.startswith("*.")
    try:
        shown = idna.decode(name.removeprefix("*."))
    except idna.IDNAError:
        return name
    return ("*." if star else "") + shown
