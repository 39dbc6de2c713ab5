# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.support.syn_lab FOLDER`, in a private network: sweeps listeners, dead and silent addresses by SYN.

Prints a JSON object of what came of it; see tests/integration/probe/test_probe_syn.py.
"""

import contextlib
import hashlib
import json
import socket
import ssl
import sys
from pathlib import Path

from shared.probe.chain import Chain
from shared.probe.loop import Limits
from shared.probe.sweep import Sweep
from shared.probe.targets import Endpoint, read_targets
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.private_network import loopback_up
from tests.support.tls_listeners import context_for, listen, serving

NET = "127.44.0."
PORT = 4433
SILENT, EXCLUDED = f"{NET}9", f"{NET}12"
LIMITS = Limits(connect_s=0.6, talk_s=5)


def outcomes(sightings):
    return {
        one.endpoint.address: hashlib.sha256(one.outcome.certificates[0]).hexdigest()
        if isinstance(one.outcome, Chain)
        else one.outcome.failure.value
        for one in sightings
    }


def full_listener(stack):
    """A listener whose queue is full: the kernel drops every further SYN."""
    listener = stack.enter_context(socket.socket())
    listener.bind((SILENT, PORT))
    listener.listen(0)
    for _ in range(2):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex((SILENT, PORT))


def seen_syns(raw):
    """Where SYNs went to, as (address, port), all that the raw socket holds."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            packet = raw.recv(200)
            if packet[33] & 0x12 == 0x02:
                found.append((socket.inet_ntoa(packet[16:20]), int.from_bytes(packet[22:24], "big")))
    return found


def count_syns(stack):
    try:
        raw = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
    except PermissionError:
        return None
    raw.setblocking(False)
    return raw


def swept(folder):
    targets = read_targets([f"{NET}0-15", "::1"], PORT, [EXCLUDED])
    told = {}
    with contextlib.ExitStack() as stack:
        for octet, version in {1: ssl.TLSVersion.TLSv1_2, 2: ssl.TLSVersion.TLSv1_3, 12: None}.items():
            certificate = folder / f"{octet}.pem"
            certificate.write_text(strangers_certificate(f"h{octet}.example.com"))
            context = context_for(certificate, key_file(folder), version)
            stack.enter_context(serving(listen(f"{NET}{octet}", PORT), context))
        full_listener(stack)
        raw = count_syns(stack)
        for way in ("syn", "connect"):
            sweep = Sweep(targets.endpoints(), total=targets.count, limits=LIMITS, syn=way == "syn")
            told[f"by {way}"] = sweep.by_syn
            seen = list(sweep.run())
            told[way] = outcomes(seen)
            told[f"{way} positions"] = sorted(one.position for one in seen)
            told[f"{way} done"] = sweep.progress().done
            if way == "syn":
                told["dialled"] = sorted({address for address, _ in seen_syns(raw)}) if raw else None
        told["certificates"] = {
            f"{NET}{octet}": hashlib.sha256(ssl.PEM_cert_to_DER_cert((folder / f"{octet}.pem").read_text())).hexdigest()
            for octet in (1, 2)
        }
        told["two names at one place"] = outcomes(
            Sweep([Endpoint(f"{NET}1", PORT, name) for name in ("a.example", "b.example")] * 2, total=4, syn=True).run()
        )
    return told


def stopped():
    calls = []

    def each_turn():
        calls.append(1)
        if len(calls) == 5:
            sweep.stop()

    with contextlib.ExitStack() as stack:
        full_listener(stack)
        limits = Limits(connect_s=600)
        sweep = Sweep([Endpoint(SILENT, PORT)] * 3, total=3, limits=limits, syn=True, each_turn=each_turn)
        return {"seen": len(list(sweep.run())), "done": sweep.progress().done}


def rated():
    now = [0.0]

    def clock():
        now[0] += 0.0005
        return now[0]

    limits = Limits(rate=200, connect_s=1000)
    endpoints = [Endpoint(f"127.45.0.{at}", PORT) for at in range(1, 81)]
    with contextlib.ExitStack() as stack:
        raw = count_syns(stack)
        seen = list(Sweep(endpoints, total=80, limits=limits, syn=True, clock=clock).run())
        return {"took": now[0], "outcomes": sorted(set(outcomes(seen).values())), "sent": raw and len(seen_syns(raw))}


if __name__ == "__main__":
    loopback_up()
    print(json.dumps({**swept(Path(sys.argv[1])), "stopped": stopped(), "rated": rated()}))
