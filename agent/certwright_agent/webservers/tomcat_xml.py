# SPDX-License-Identifier: Apache-2.0
"""Reads Tomcat's `server.xml`: connectors, their TLS hosts, and the virtual hosts behind them. Nothing is written.

A document type is refused: it could bring entities from other files. Attributes are kept as they stand, with the two
properties whose value is known put in; what needs any other property is for the caller to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from certwright_agent.errors import Refused

_LIMIT = 2 * 1024 * 1024
_DEEPEST = 64
_PROPERTY = re.compile(r"\$\{([^}]*)\}")
# The attributes of a connector up to Tomcat 9, by what they are called in a <Certificate>.
_OLD_NAMES = {
    "keystoreFile": "certificateKeystoreFile",
    "keystorePass": "certificateKeystorePassword",
    "keystoreType": "certificateKeystoreType",
    "keyAlias": "certificateKeyAlias",
    "keyPass": "certificateKeyPassword",
    "SSLCertificateFile": "certificateFile",
    "SSLCertificateKeyFile": "certificateKeyFile",
    "SSLCertificateChainFile": "certificateChainFile",
    "SSLPassword": "certificateKeyPassword",
}


@dataclass
class Element:
    """One element: its attributes, and where it begins in the file's bytes."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, name: str) -> list[Element]:
        """Its children of one name."""
        return [child for child in self.children if child.name == name]


@dataclass(frozen=True)
class TLSHost:
    """One SSLHostConfig: `certificates` are the attributes of each certificate that it names."""

    name: str
    start: int
    end: int
    certificates: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class VirtualHost:
    """One Host: its names and the folder of its root application, empty where it has none."""

    names: tuple[str, ...]
    start: int
    end: int
    root: str


@dataclass(frozen=True)
class Connector:
    """One HTTP connector with the hosts behind it. `port` is 0 where only Tomcat knows it."""

    start: int
    end: int
    address: str
    port: int
    tls: bool
    default_host: str
    tls_hosts: tuple[TLSHost, ...]
    virtual_hosts: tuple[VirtualHost, ...]


def read(content: bytes, origin: str, *, base: Path, home: Path) -> list[Connector]:
    """The HTTP connectors of all services. Raises Refused."""
    server = _tree(content, origin)
    if server.name != "Server":
        raise Refused(f"{origin} is not Tomcat's: its root is <{server.name[:40]}>", "config_unclear")
    found = []
    for service in server.all("Service"):
        hosts = tuple(
            _virtual_host(host, base, home) for engine in service.all("Engine") for host in engine.all("Host")
        )
        for connector in service.all("Connector"):
            made = _connector(connector, hosts, base, home)
            if made is not None:
                found.append(made)
    return found


def _tree(content: bytes, origin: str) -> Element:
    if len(content) > _LIMIT:
        raise Refused(f"{origin} is too large to be read", "config_unclear")
    parser: Any = expat.ParserCreate()
    document = Element("", {}, 0)
    open_ones = [document]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(open_ones) > _DEEPEST:
            raise Refused(f"{origin} is nested too deeply", "config_unclear")
        element = Element(name, attributes, parser.CurrentByteIndex)
        open_ones[-1].children.append(element)
        open_ones.append(element)

    def end(_name: str) -> None:
        open_ones.pop().end = parser.CurrentByteIndex

    def characters(text: str) -> None:
        open_ones[-1].text += text if open_ones[-1].name == "Alias" else ""

    def refuse(*_: object) -> None:
        raise Refused(f"{origin} has a document type; entities are not read. Take it out", "config_unclear")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Refused(f"{origin} is not well-formed: {error}", "config_broken") from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not know
        raise Refused(f"{origin} cannot be read: {error}", "config_unclear") from None
    return document.children[0]


def _connector(element: Element, hosts: tuple[VirtualHost, ...], base: Path, home: Path) -> Connector | None:
    attributes = {name: _known(value, base, home) for name, value in element.attributes.items()}
    protocol = attributes.get("protocol", "HTTP/1.1")
    if "ajp" in protocol.lower() or attributes.get("port", "").startswith("-"):
        return None
    port = attributes.get("port", "")
    tls = attributes.get("SSLEnabled", "").strip().lower() == "true"
    default = attributes.get("defaultSSLHostConfigName", "_default_").lower()
    tls_hosts = [_tls_host(child, base, home) for child in element.all("SSLHostConfig")] if tls else []
    old = {new: attributes[name] for name, new in _OLD_NAMES.items() if name in attributes}
    if tls and old:
        tls_hosts.append(TLSHost(default, element.start, element.end, (old,)))
    return Connector(
        start=element.start,
        end=element.end,
        address=attributes.get("address", "").strip(),
        port=int(port) if re.fullmatch("[0-9]{1,5}", port) and int(port) < 65536 else 0,
        tls=tls,
        default_host=default,
        tls_hosts=tuple(tls_hosts),
        virtual_hosts=hosts,
    )


def _tls_host(element: Element, base: Path, home: Path) -> TLSHost:
    own = {name: value for name, value in element.attributes.items() if name.startswith("certificate")}
    inner = [child.attributes for child in element.all("Certificate")]
    named = inner or ([own] if own else [])
    return TLSHost(
        name=element.attributes.get("hostName", "_default_").lower(),
        start=element.start,
        end=element.end,
        certificates=tuple({name: _known(value, base, home) for name, value in one.items()} for one in named),
    )


def _virtual_host(element: Element, base: Path, home: Path) -> VirtualHost:
    names = [element.attributes.get("name", "")] + [alias.text.strip() for alias in element.all("Alias")]
    folder = base / _known(element.attributes.get("appBase", "webapps"), base, home)
    root = folder / "ROOT"
    for context in element.all("Context"):
        if context.attributes.get("path", "") in ("", "/"):
            root = folder / _known(context.attributes.get("docBase", "ROOT"), base, home)
    usable = "${" not in str(root) and "\0" not in str(root)
    return VirtualHost(
        tuple(name.lower() for name in names if name), element.start, element.end, str(root) if usable else ""
    )


def _known(value: str, base: Path, home: Path) -> str:
    known = {"catalina.base": str(base), "catalina.home": str(home)}
    return _PROPERTY.sub(lambda found: known.get(found.group(1), found.group()), value)
