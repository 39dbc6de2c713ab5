# SPDX-License-Identifier: Apache-2.0
"""One target under libFuzzer: `python -m tests.fuzz.one TARGET [options of libFuzzer] CORPUS`. It ends the process."""

import sys

import atheris

with atheris.instrument_imports(include=["shared.probe", "shared.pki.usual", "shared.pki.usual_key"]):
    from tests.fuzz.parsers import TARGETS

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()
