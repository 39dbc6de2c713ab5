# SPDX-License-Identifier: Apache-2.0
"""The closed list of findings: how grave, in which words, and the configuration line that cures it."""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """One kind of finding. `text` and the cures may name values in braces. `dns` is a line of a zone file."""

    severity: str
    text: str
    nginx: str = ""
    apache: str = ""
    tomcat: str = ""
    dns: str = ""


_MODERN = Known(
    "", "", "ssl_protocols TLSv1.2 TLSv1.3;", "SSLProtocol -all +TLSv1.2 +TLSv1.3", '<SSLHostConfig protocols="TLSv1.2+TLSv1.3">'
)  # fmt: skip
_SUITES = Known(
    "", "", "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;", "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20",
    '<SSLHostConfig ciphers="ECDHE+AESGCM:ECDHE+CHACHA20">',
)  # fmt: skip
_CHAIN = (
    "ssl_certificate fullchain.pem;  # the leaf first, then each issuer",
    "SSLCertificateFile fullchain.pem  # the leaf first, then each issuer",
    '<Certificate certificateFile="leaf.pem" certificateChainFile="chain.pem">',
)
_NEW_KEY = (
    "ssl_certificate new.pem; ssl_certificate_key new.key;",
    "SSLCertificateFile new.pem\nSSLCertificateKeyFile new.key",
    '<Certificate certificateFile="new.pem" certificateKeyFile="new.key">',
)
_STAPLING = (
    "ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate chain.pem;",
    "SSLUseStapling on  # beside SSLStaplingCache shmcb:stapling(128000), outside of any VirtualHost",
    "-Djdk.tls.server.enableStatusRequestExtension=true",
)


def _protocols(severity: str, text: str) -> Known:
    return Known(severity, text, *_MODERN[2:])


def _suites(severity: str, text: str) -> Known:
    return Known(severity, text, *_SUITES[2:])


FINDINGS: dict[str, Known] = {
    # --- the certificate
    "expired": Known("critical", "The certificate ended on {until}. Every visitor gets a warning: renew it."),
    "not_yet_valid": Known("critical", "The certificate is not valid before {since}: check the server's clock, or wait."),
    "expires_soon": Known("medium", "The certificate ends in {days} days, on {until}: renew it now."),
    "wrong_name": Known("critical", "The certificate is not for {host}; it is for {names}."),
    "no_names": Known("high", "The certificate holds no name in subjectAltName. Browsers ignore the common name."),
    "self_signed": Known("high", "The certificate is signed by its own key: nobody vouches for it."),
    "not_trusted": Known("high", "{store} does not trust the certificate: {reason}."),
    "chain_incomplete": Known("medium", "The server does not send the issuer's certificate {issuer}.", *_CHAIN),
    "chain_order": Known("low", "The certificates of the chain are not in order.", *_CHAIN),
    "root_sent": Known("info", "The server sends the root too. Clients have it; it only costs bytes.", *_CHAIN),
    "ca_as_leaf": Known("high", "The certificate is that of a CA. A server needs an end-entity certificate."),
    "weak_signature": Known("high", "The certificate {name} is signed with {hash}, which can be forged."),
    "small_key": Known("high", "The key has {bits} bits. 2048 is the least that CAs may sign (BR 6.1.5)."),
    "fermat_key": Known("critical", "The key's two primes lie so close that the private key was computed. Make a new key."),
    "roca_key": Known("critical", "The key has the mark of a broken generator (ROCA, CVE-2017-15361). Make a new key."),
    "debian_key": Known("critical", "The key is one of the 32,767 of Debian's broken generator (CVE-2008-0166). Make a new key.", *_NEW_KEY),
    "shared_prime": Known("critical", "The key shares a prime with another key of the inventory: both private keys can be computed. Make new keys.", *_NEW_KEY),
    "even_exponent": Known("high", "The key's public exponent is {exponent}; it must be odd and at least 65537."),
    "revoked": Known(
        "critical", "The certificate was revoked on {at} (reason: {cause}), says the CA ({source}). Install another one.",
        *_NEW_KEY,
    ),
    "ocsp_unknown": Known("medium", "The CA's OCSP responder does not know the certificate. Ask the CA, or have it issued anew."),
    "staple_invalid": Known("medium", "The OCSP answer that the server staples does not count: {reason}. Clients may break off.", *_STAPLING),
    "staple_missing": Known("high", "The certificate demands a stapled OCSP answer (RFC 7633), and none comes. Clients break off.", *_STAPLING),
    "sct_invalid": Known("high", "The signature of a certificate transparency stamp is wrong: {logs}. Have the certificate issued anew."),
    "sct_unreadable": Known("medium", "Certificate transparency stamps came that cannot be read ({sources})."),
    "sct_unknown_log": Known("low", "Certificate transparency stamps are of logs that the loaded list does not know: {logs}."),
    "sct_retired_log": Known("low", "Certificate transparency stamps were made after their log had been retired: {logs}."),
    "no_caa": Known(
        "low", "No CAA record for {name}: every CA may issue for it. Name those that shall (RFC 8659).",
        dns='{name}. IN CAA 0 issue "{ca}"',
    ),
    "caa_other_issuer": Known(
        "medium",
        "The CAA records at {name} allow {allowed}, not {brand}. They bind at issuance only, so that the certificate stays valid, but its renewal will fail.",
        dns='{name}. IN CAA 0 issue "{ca}"',
    ),
    "caa_strange": Known("medium", "A CAA record at {name} is critical and of a kind that no CA knows ({tags}): none may issue."),
    "no_scts": Known("low", "No certificate transparency stamp came along. Browsers distrust public certificates without."),
    "key_proved": Known("good", "The server proved that it has the certificate's key."),
    "key_not_proved": Known("info", "The certificate was read, but the server did not have to prove that it has the key."),
    # --- protocols
    "ssl2": _protocols("critical", "SSL 2.0 is offered. It is broken, and breaks other servers with the same key (DROWN)."),
    "ssl3": _protocols("high", "SSL 3.0 is offered: POODLE reads its traffic (RFC 7568)."),
    "old_tls": _protocols("medium", "{versions} are offered. They are deprecated (RFC 8996)."),
    "no_tls12": _protocols("high", "Neither TLS 1.2 nor TLS 1.3 is offered. Today's clients cannot connect."),
    "no_tls13": _protocols("low", "TLS 1.3 is not offered."),
    "tls13": Known("good", "TLS 1.3 is offered."),
    # --- cipher suites
    "anonymous": _suites("critical", "Suites without authentication are offered: {suites}."),
    "null": _suites("critical", "Suites without encryption are offered: {suites}."),
    "export": _suites("critical", "Export suites are offered (FREAK, LOGJAM): {suites}."),
    "rc4": _suites("high", "RC4 is offered (RFC 7465): {suites}."),
    "small_blocks": _suites("medium", "Ciphers with blocks of 64 bits are offered (SWEET32): {suites}."),
    "no_forward_secrecy": _suites("medium", "No suite with forward secrecy: a key that leaks opens all that was recorded."),
    "some_without_secrecy": _suites("low", "Some suites lack forward secrecy: {suites}."),
    "cbc": _suites("info", "Suites in CBC mode are offered ({count}). Sound servers are safe from LUCKY13; AEAD suites are better."),
    "beast": _protocols("info", "TLS 1.0 with CBC suites is open to BEAST in clients from before 2012."),
    "client_order": Known(
        "info", "The client chooses the suite. That is right only where no weak suite is offered.",
        "ssl_prefer_server_ciphers on;", "SSLHonorCipherOrder on", '<SSLHostConfig honorCipherOrder="true">',
    ),
    "small_dh": Known(
        "high", "A DH group of {bits} bits is used (LOGJAM).",
        "ssl_dhparam ffdhe2048.pem;", "SSLOpenSSLConfCmd DHParameters ffdhe2048.pem", "-Djdk.tls.ephemeralDHKeySize=2048",
    ),
    # --- known holes
    "heartbleed": Known("critical", "Heartbleed (CVE-2014-0160): the server's memory can be read. Update OpenSSL, then change key and certificate."),
    "ccs_injection": Known("critical", "CCS injection (CVE-2014-0224): connections can be taken over. Update OpenSSL."),
    "ticketbleed": Known("high", "Ticketbleed (CVE-2016-9244): the server's memory leaks. Update its firmware."),
    "robot": _suites("high", "ROBOT: recorded connections can be decrypted. Switch off suites with RSA key exchange."),
    "winshock": Known("critical", "Winshock (MS14-066): install the update for Schannel."),
    "compression": Known("high", "TLS compression is on (CRIME).", "", "SSLCompression off", '<Connector compression="off">'),
    "breach": Known("low", "Answers are compressed. Pages that hold a secret and repeat what was asked are open to BREACH."),
    "insecure_renegotiation": Known("high", "Renegotiation is not secured (RFC 5746): data can be put in front of a request."),
    "client_renegotiation": Known("low", "Clients may renegotiate: an easy way to keep the server busy."),
    "no_fallback_scsv": Known("info", "A downgrade is not noticed (RFC 7507), while versions before TLS 1.2 are offered."),
    "early_data": Known("info", "0-RTT data is taken: requests in it can be repeated by others (RFC 8446 §8).", "ssl_early_data off;"),
    "random_reuse": Known("critical", "The server uses the same random or key again: connections can be decrypted."),
    # --- the web server
    "no_redirect": Known(
        "medium", "http:// is not redirected to https://.",
        "return 301 https://$host$request_uri;", 'Redirect permanent "/" "https://{host}/"',
        "<transport-guarantee>CONFIDENTIAL</transport-guarantee>",
    ),
    "no_hsts": Known(
        "low", "No HSTS: the first visit can be intercepted (RFC 6797).",
        'add_header Strict-Transport-Security "max-age=31536000" always;',
        'Header always set Strict-Transport-Security "max-age=31536000"',
        "<param-name>hstsMaxAgeSeconds</param-name><param-value>31536000</param-value>",
    ),
    "short_hsts": Known(
        "low", "HSTS lasts {days} days; half a year is the least that helps.",
        'add_header Strict-Transport-Security "max-age=31536000" always;',
        'Header always set Strict-Transport-Security "max-age=31536000"',
        "<param-name>hstsMaxAgeSeconds</param-name><param-value>31536000</param-value>",
    ),
    "hsts": Known("good", "HSTS is on for {days} days."),
    "banner": Known("info", "The server names its version: {server}.", "server_tokens off;", "ServerTokens Prod", '<Valve className="org.apache.catalina.valves.ErrorReportValve" showServerInfo="false"/>'),
    "open_cookie": Known("low", "The cookie {cookie} may travel without TLS: it lacks Secure."),
    "no_stapling": Known("info", "No OCSP answer is stapled.", *_STAPLING),
    # --- what comes
    "post_quantum": Known("good", "Ready for post-quantum key exchange: {groups}."),
    "no_post_quantum": Known(
        "info", "No post-quantum key exchange: traffic that is recorded today may be read by a quantum computer later.",
        "ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1;  # OpenSSL 3.5 or newer",
        "SSLOpenSSLConfCmd Groups X25519MLKEM768:X25519:P-256  # OpenSSL 3.5 or newer",
    ),
}  # fmt: skip
