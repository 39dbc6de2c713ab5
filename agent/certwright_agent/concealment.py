# SPDX-License-Identifier: Apache-2.0
"""Which lines of a configuration may hold a secret, and are not shown outside of this host.

A line is hidden when it speaks of one, or holds something that looks like one; with it the rest of its directive, which
nginx ends by `;`, `{` or `}` and Apache by a line without a backslash at its end. Rather one line too many than one too
few: whoever wants to see it looks at the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "[not shown: it may hold a secret]"
_SPEAKS = re.compile(
    r"passw|passphrase|pwd|secret|(?<!server)(?<!server_)token|authori[sz]ation|credential|bearer|cookie|"
    r"(?<!proxy)(?<!fastcgi)(?<!uwsgi)(?<!scgi)(?<!grpc)(?<!memcached)[_-]pass\b|"
    r"(?:api|access|private)[ _-]?key|session[_-]?id|\bbasic\s+[A-Za-z0-9+/]{6,}|-----BEGIN|\bdata:|://[^/\s\"']*@",
    re.IGNORECASE,
)
# Runs of letters with several digits, such as hashes and keys in Base64; those of base64url have both cases. In a path
# or a name there is a separator sooner, or no capital.
_RANDOM = re.compile(
    r"(?=(?:[A-Za-z+=]*[0-9]){4})(?=[0-9+=]*[A-Za-z])[A-Za-z0-9+=]{24,}|"
    r"(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])(?=(?:[A-Za-z_-]*[0-9]){2})[A-Za-z0-9_-]{24,}"
)
_LONGEST = 2000  # characters of a line: what is longer is no directive that somebody would read
# Directives of certificates whose value is a path: they are what an installation is about.
_PATH_ONLY = re.compile(
    r"\s*(?:ssl_certificate|ssl_certificate_key|SSLCertificateFile|SSLCertificateKeyFile|SSLCertificateChainFile)\s+"
    r"(?P<quote>[\"']?)(?!data:|engine:|store:)[^\"';\s][^\"';]*(?P=quote)\s*;?\s*\Z",
    re.IGNORECASE,
)


def may_be_secret(text: str) -> bool:
    """Whether one line, or one command, is not to be shown."""
    if len(text) <= _LONGEST and _PATH_ONLY.match(text):
        return False
    return len(text) > _LONGEST or bool(_SPEAKS.search(text) or _RANDOM.search(text))


def hidden_lines(lines: Sequence[str]) -> list[bool]:
    """For each line of a file whether it is hidden, the whole file being looked at: a value may stand on a later line
    than the word that says what it is.
    """
    found = []
    going_on = ""
    for line in lines:
        hidden = bool(going_on) or may_be_secret(line)
        found.append(hidden)
        going_on = _goes_on(line, going_on) if hidden else ""
    return found


def _goes_on(line: str, before: str) -> str:
    """Whether the directive of a hidden line goes on behind it, and how: `continued` by a backslash, or `open`."""
    bare = line.rstrip()
    if bare.endswith("\\"):
        return "continued"
    if before == "continued" or not bare or bare.lstrip().startswith("#") or bare.endswith((";", "{", "}", ">")):
        return ""
    return "open" if before == "open" or _nginx_open(bare) else ""


def _nginx_open(line: str) -> bool:
    """A directive without its end: a name of nginx's (lower case) and no `;` yet. Apache's begin with a capital."""
    return bool(re.match(r"\s*[a-z_]+(?:\s|\Z)", line)) and ";" not in line
