# SPDX-License-Identifier: Apache-2.0
"""For every Python program that a run of tests starts: with this folder in its PYTHONPATH, each message that it hands
to a broker, embedded or RabbitMQ, is also written to a file in the folder `SEARCHED_RUN`.

Only the two modules in which messages are made are touched, after their import, if there is one.
"""

import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

MAKERS = ("shared.messaging.embedded", "kombu.transport.pyamqp")  # each has a class Channel with prepare_message
_kept = Path(os.environ.get("SEARCHED_RUN", os.devnull))  # a folder that is not there: nothing is recorded


def record(module):
    """Has the module's messages written, body and headers."""
    prepare = module.Channel.prepare_message
    if hasattr(prepare, "recorded"):
        return

    def recorded(channel, body, *args, **fields):
        path = _kept / f"messages-{os.getpid()}"
        if _kept.is_dir():  # a program may outlive the run
            text = body if isinstance(body, bytes) else str(body).encode()
            with path.open("ab", buffering=0) as file:
                file.write(b"%b %b\n" % (text, repr((args, fields)).encode()))
        return prepare(channel, body, *args, **fields)

    recorded.recorded = True
    module.Channel.prepare_message = recorded


class _Finder(PathFinder):
    """Finds the makers as usual, and records once they are loaded."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        spec = super().find_spec(fullname, path, target) if fullname in MAKERS else None
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                record(module)

            spec.loader.exec_module = exec_module
        return spec


def start():
    """From now on, also for a maker that was imported before."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    for name in MAKERS:
        if name in sys.modules:
            record(sys.modules[name])


if "SEARCHED_RUN" in os.environ:
    start()
