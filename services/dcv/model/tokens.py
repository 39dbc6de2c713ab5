# SPDX-License-Identifier: Apache-2.0
"""Request tokens: what has to stand where, derived from the CSR (BR 3.2.2.4.7 and .18; guide §3.3).

MD5 only names the place. The SHA-256 and the unique value bind the token to one CSR of one order: without a timestamp a
request token may be used once.
"""

from __future__ import annotations

WELL_KNOWN = "/.well-known/pki-validation"
CONSTRUCTED_MAILBOXES = ("admin", "administrator", "hostmaster", "postmaster", "webmaster")  # BR 3.2.2.4.4


def file_path(md5: str) -> str:
    """The path of the validation file; paths are case-sensitive, and the MD5 is in upper case here."""
    return f"{WELL_KNOWN}/{md5.upper()}.txt"


def file_content(sha256: str, ca_name: str, unique_value: str) -> str:
    """The file: the SHA-256, the CA's name, and the unique value when there is one; lines end with LF."""
    lines = [sha256.lower(), ca_name]
    if unique_value:
        lines.append(unique_value)
    return "\n".join(lines) + "\n"


def file_url(scheme: str, fqdn: str, port: int, md5: str) -> str:
    """Where the file is looked for. The port stands in it only when it is not the scheme's own."""
    own = {"http": 80, "https": 443}[scheme]
    authority = fqdn if port == own else f"{fqdn}:{port}"
    return f"{scheme}://{authority}{file_path(md5)}"


def cname_name(md5: str, authorization_fqdn: str) -> str:
    """The name of the record, with the trailing dot."""
    return f"_{md5.lower()}.{authorization_fqdn}."


def txt_value(sha256: str, ca_name: str, unique_value: str) -> str:
    """The text of a TXT record at the name of the CNAME: one string, so that the SHA-256 stays whole."""
    return ".".join([sha256.lower(), *([unique_value] if unique_value else []), ca_name])


def cname_value(sha256: str, ca_name: str, unique_value: str) -> str:
    """The target of the record. The SHA-256 is cut in two, since a label has at most 63 octets (RFC 1035 §2.3.4)."""
    digest = sha256.lower()
    labels = [digest[:32], digest[32:]]
    if unique_value:
        labels.append(unique_value)
    return ".".join([*labels, ca_name]) + "."
