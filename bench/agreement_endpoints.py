# SPDX-License-Identifier: Apache-2.0
"""The local endpoints on which surveys are compared with other programs: real servers in odd settings, and scripts."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.key_files import KeyFiles, self_signed
from tests.support.newest_openssl import newest_openssl
from tests.support.s_server import free_port, running, s_server
from tests.support.scripted_tls import Script, scripted

NAME = "a.example.test"
_ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
_TLSLITE = """
import socket, sys, threading
from tlslite.api import HandshakeSettings, TLSConnection, X509, X509CertChain, parsePEMKey
port, pem, key, low, high, names, macs = sys.argv[1:8]
settings = HandshakeSettings()
settings.minVersion, settings.maxVersion = (3, int(low)), (3, int(high))
settings.cipherNames, settings.macNames = names.split(","), macs.split(",")
settings.useEncryptThenMAC = False
one = X509(); one.parse(open(pem).read())
private = parsePEMKey(open(key).read(), private=True)
listener = socket.create_server(("127.0.0.1", int(port)), backlog=64)
def serve(connection):
    try:
        tls = TLSConnection(connection)
        tls.handshakeServer(certChain=X509CertChain([one]), privateKey=private, settings=settings, reqCert=False)
        tls.close()
    except Exception:
        pass
    finally:
        connection.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


_TOMCAT = "/usr/share/tomcat10"
_PASSWORD = "changeit"


def _keystore(base: Path, kind: str, number: int, files: KeyFiles) -> Path:
    """The key as a PKCS#12 file, or as a JKS file made of that by keytool."""
    bundle = base / f"{number}.p12"
    argv = ["openssl", "pkcs12", "-export", "-in", str(files.pem), "-inkey", str(files.key), "-name", "tls"]
    subprocess.run([*argv, "-passout", f"pass:{_PASSWORD}", "-out", str(bundle)], check=True, capture_output=True)
    if kind == "PKCS12":
        return bundle
    made = base / f"{number}.jks"
    if not made.exists():
        argv = ["keytool", "-importkeystore", "-noprompt", "-srckeystore", str(bundle), "-srcstoretype", "PKCS12"]
        argv += ["-srcstorepass", _PASSWORD, "-destkeystore", str(made), "-deststoretype", "JKS"]
        subprocess.run([*argv, "-deststorepass", _PASSWORD], check=True, capture_output=True)
    return made


def _warm(port: int) -> None:
    """One handshake: the first takes Java many seconds on a busy machine, and a survey would take it for dead."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as tls,
    ):
        tls.version()


@dataclass(frozen=True)
class Endpoint:
    """`start` gives the port while its block runs."""

    name: str
    start: Callable[[], AbstractContextManager[int]]


class Endpoints:
    """Makes keys below `folder`, and the list of endpoints with them; `tlslite` is a Python that has tlslite-ng."""

    def __init__(self, folder: Path, tlslite: str) -> None:
        self.folder = folder
        self.tlslite = tlslite
        self.rsa = self_signed(folder, "rsa")
        self.rsa1024 = self_signed(folder, "rsa1024", "small.example.test")
        self.ec = self_signed(folder, "ec")
        self.ec384 = self_signed(folder, "ec384")
        self.ed25519 = self_signed(folder, "ed25519")
        self.dh1024 = folder / "dh1024.pem"
        subprocess.run(["openssl", "dhparam", "-out", str(self.dh1024), "1024"], check=True, capture_output=True)

    def every(self) -> list[Endpoint]:
        """All of them."""
        both = ["-dcert", str(self.ec.pem), "-dkey", str(self.ec.key)]
        plain: list[tuple[str, KeyFiles, list[str]]] = [
            ("s_server, defaults", self.rsa, []),
            ("s_server, everything, RSA + ECDSA", self.rsa, [*both, "-cipher", _ALL, "-serverpref"]),
            ("s_server, TLS 1.0 alone", self.rsa, ["-tls1", "-cipher", _ALL]),
            ("s_server, TLS 1.1 alone", self.rsa, ["-tls1_1", "-cipher", _ALL]),
            ("s_server, TLS 1.2 alone", self.rsa, ["-tls1_2"]),
            ("s_server, TLS 1.3 alone, ECDSA", self.ec, ["-tls1_3"]),
            ("s_server, TLS 1.3 alone, one suite", self.rsa, ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"]),
            ("s_server, ECDSA P-384", self.ec384, []),
            ("s_server, Ed25519", self.ed25519, []),
            ("s_server, RSA 1024", self.rsa1024, ["-cipher", "ALL:@SECLEVEL=0"]),
            ("s_server, DH 1024", self.rsa, ["-tls1_2", "-cipher", "DHE:@SECLEVEL=0", "-dhparam", str(self.dh1024)]),
            ("s_server, anonymous and authenticated", self.rsa, ["-tls1_2", "-cipher", "aNULL:AES128-SHA:@SECLEVEL=0"]),
            ("s_server, NULL beside AES", self.rsa, ["-tls1_2", "-cipher", "eNULL:AES256-SHA:@SECLEVEL=0"]),
            ("s_server, static RSA", self.rsa, ["-tls1_2", "-cipher", "kRSA"]),
            ("s_server, renegotiation by the client", self.rsa, ["-tls1_2", "-client_renegotiation"]),
            ("s_server, early data", self.rsa, ["-early_data"]),
            ("s_server, no tickets", self.rsa, ["-no_ticket", "-tls1_2"]),
            ("s_server, P-521 alone", self.rsa, ["-curves", "P-521"]),
            ("s_server, client certificates wanted", self.rsa, ["-verify", "1"]),
            ("s_server, ALPN h2", self.rsa, ["-alpn", "h2"]),
        ]
        found = [Endpoint(name, self._s_server(files, options)) for name, files, options in plain]
        found += [
            Endpoint("nginx", self._nginx),
            Endpoint("Apache", self._apache),
            Endpoint("Tomcat 10, JKS", self._tomcat_of("JKS", self.rsa)),
            Endpoint("Tomcat 10, PKCS#12, RSA + ECDSA", self._tomcat_of("PKCS12", self.rsa, self.ec)),
            Endpoint("OpenSSL 4.0 by pyOpenSSL, X25519MLKEM768", lambda: newest_openssl(self.rsa)),
            Endpoint("lighttpd", self._lighttpd),
            Endpoint("gnutls-serv", self._gnutls),
            Endpoint("tlslite-ng, SSLv3 with RC4 and 3DES", self._tlslite_of("0", "0", "rc4,3des", "sha,md5")),
            Endpoint("tlslite-ng, SSLv3 to TLS 1.2", self._tlslite_of("0", "3", "aes128,3des,rc4", "sha")),
            Endpoint("tlslite-ng, NULL", self._tlslite_of("1", "3", "null,aes256", "sha")),
        ]
        scripts = {
            "script, SSLv2 beside TLS 1.2": Script(self.rsa.der, ssl2_kinds=(0x010080, 0x0700C0)),
            "script, export suites of TLS 1.0": Script(self.rsa.der, suites=(0x0003, 0x0008, 0x002F), version=0x0301),
            "script, Heartbleed": Script(self.rsa.der, heartbeat="bleeds"),
            "script, early ChangeCipherSpec": Script(self.rsa.der, ccs="taken"),
            "script, compression": Script(self.rsa.der, compression=True),
            "script, ROBOT": self._oracle(),
        }
        return found + [Endpoint(name, functools.partial(scripted, script)) for name, script in scripts.items()]

    def _s_server(self, files: KeyFiles, options: list[str]) -> Callable[[], AbstractContextManager[int]]:
        page = [] if "-early_data" in options else ["-www"]  # s_server has one or the other
        return lambda: s_server(files, *page, *options)

    def _oracle(self) -> Script:
        key = serialization.load_pem_private_key(self.rsa.key.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        secret = (key.public_key().public_numbers().n, key.private_numbers().d)
        return Script(self.rsa.der, secret=secret, unpad=lambda block: 20 if block.startswith(b"\x00\x02") else 40)

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    @contextlib.contextmanager
    def _nginx(self) -> Iterator[int]:
        port, folder = free_port(), self.folder
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf = self._write(
            "nginx.conf",
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}} "
            f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port} ssl http2; server_name {NAME}; "
            f"ssl_certificate {self.rsa.pem}; ssl_certificate_key {self.rsa.key}; ssl_certificate {self.ec.pem}; "
            f"ssl_certificate_key {self.ec.key}; ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; "
            f"ssl_ciphers ALL:!aNULL:@SECLEVEL=0; ssl_prefer_server_ciphers on; ssl_session_cache shared:s:1m; "
            f'location / {{ return 200 "hello"; }} }} }}',
        )
        with running(["nginx", "-c", str(conf), "-e", f"{folder}/nginx.log"], port):
            yield port

    @contextlib.contextmanager
    def _apache(self) -> Iterator[int]:
        port, folder, modules = free_port(), self.folder, "/usr/lib/apache2/modules"
        loaded = "".join(
            f"LoadModule {name}_module {modules}/mod_{name}.so\n"
            for name in ("mpm_event", "authz_core", "ssl", "socache_shmcb")
        )
        conf = self._write(
            "apache.conf",
            f"{loaded}ServerRoot {folder}\nServerName {NAME}\nPidFile {folder}/apache.pid\n"
            f"ErrorLog {folder}/apache.log\n"
            f"Listen 127.0.0.1:{port}\nUser nobody\nGroup nogroup\nDocumentRoot {folder}\nMutex file:{folder}\n"
            f"SSLSessionCache shmcb:{folder}/cache(512000)\n<VirtualHost *:{port}>\nServerName {NAME}\nSSLEngine on\n"
            f"SSLProtocol all\nSSLCipherSuite HIGH:!aNULL\nSSLHonorCipherOrder on\nSSLCertificateFile {self.rsa.pem}\n"
            f"SSLCertificateKeyFile {self.rsa.key}\n</VirtualHost>\n",
        )
        with running(["apache2", "-X", "-f", str(conf)], port):
            yield port

    def _tomcat_of(self, kind: str, *files: KeyFiles) -> Callable[[], AbstractContextManager[int]]:
        @contextlib.contextmanager
        def start() -> Iterator[int]:
            port, base = free_port(), self.folder / f"tomcat-{kind}"
            for part in ("conf", "logs", "temp", "webapps", "work"):
                (base / part).mkdir(parents=True, exist_ok=True)
            certificates = "".join(
                f'<Certificate certificateKeystoreFile="{_keystore(base, kind, number, one)}" '
                f'certificateKeystoreType="{kind}" certificateKeystorePassword="{_PASSWORD}" '
                f'type="{"EC" if one is self.ec else "RSA"}"/>'
                for number, one in enumerate(files)
            )
            (base / "conf/server.xml").write_text(
                f'<Server port="-1"><Service name="Catalina"><Connector address="127.0.0.1" port="{port}" '
                'protocol="org.apache.coyote.http11.Http11NioProtocol" SSLEnabled="true" scheme="https" secure="true">'
                f'<SSLHostConfig protocols="all">{certificates}</SSLHostConfig></Connector>'
                '<Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>'
                "</Service></Server>"
            )
            programs = ":".join(f"{_TOMCAT}/bin/{name}.jar" for name in ("bootstrap", "tomcat-juli"))
            argv = ["java", "-Xmx128m", "-cp", programs, f"-Dcatalina.home={_TOMCAT}", f"-Dcatalina.base={base}"]
            argv += [f"-Djava.io.tmpdir={base}/temp", "org.apache.catalina.startup.Bootstrap", "start"]
            with running(argv, port):
                _warm(port)
                yield port

        return start

    @contextlib.contextmanager
    def _lighttpd(self) -> Iterator[int]:
        port = free_port()
        conf = self._write(
            "lighttpd.conf",
            f'server.document-root = "{self.folder}"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
            f'server.modules = ("mod_openssl")\nssl.engine = "enable"\nssl.pemfile = "{self.ec.pem}"\n'
            f'ssl.privkey = "{self.ec.key}"\n',
        )
        with running(["lighttpd", "-D", "-f", str(conf)], port):
            yield port

    @contextlib.contextmanager
    def _gnutls(self) -> Iterator[int]:
        port = free_port()
        argv = ["gnutls-serv", "--http", "-p", str(port), "--x509certfile", str(self.rsa.pem), "--x509keyfile"]
        priority = "NORMAL:+VERS-ALL:+ARCFOUR-128:+3DES-CBC:+SIGN-ALL:+GROUP-ALL:+DHE-RSA"
        with running([*argv, str(self.rsa.key), "--priority", priority], port):
            yield port

    def _tlslite_of(self, *settings: str) -> Callable[[], AbstractContextManager[int]]:
        @contextlib.contextmanager
        def start() -> Iterator[int]:
            port = free_port()
            argv = [self.tlslite, "-c", _TLSLITE, str(port), str(self.rsa.pem), str(self.rsa.key), *settings]
            with running(argv, port):
                yield port

        return start
