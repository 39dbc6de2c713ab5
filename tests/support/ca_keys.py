# SPDX-License-Identifier: Apache-2.0
"""The CA's folder as an operator has it: old and new installations, the commands, and a search for keys."""

import json
import os
import subprocess
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.ca.adapters.founding import OFFLINE, ROOT_KEY
from services.ca.adapters.key_files import PASSPHRASE, sealed

PASS = "correct horse battery staple"


def passphrase_file(folder, text=PASS):
    """A file with the root's passphrase, outside the CA's folder."""
    path = folder / "root-passphrase"
    path.write_text(text)
    path.chmod(0o600)
    return path


def take_away(folder, to):
    """What the operator does with `offline/`: the sealed root key moves to `to`, its passphrase is returned."""
    to.mkdir(mode=0o700)
    secret = (folder / OFFLINE / PASSPHRASE).read_text()
    (folder / OFFLINE / ROOT_KEY).rename(to / ROOT_KEY)
    for left in (folder / OFFLINE).iterdir():
        left.unlink()
    (folder / OFFLINE).rmdir()
    return to / ROOT_KEY, secret


def as_older_releases_left_it(folder):
    """The root's key beside the issuing key, sealed with the service's passphrase, and no list of the root."""
    sealed_root = folder / OFFLINE / ROOT_KEY
    key = load_pem_private_key(sealed_root.read_bytes(), (folder / OFFLINE / PASSPHRASE).read_bytes())
    (folder / ROOT_KEY).write_bytes(sealed(key, (folder / PASSPHRASE).read_bytes()))
    (folder / ROOT_KEY).chmod(0o600)
    for left in (folder / OFFLINE).iterdir():
        left.unlink()
    (folder / OFFLINE).rmdir()
    (folder / "root.crl").unlink()
    return key


def keys_that_open(folder):
    """Every private key below a folder that opens with anything that lies there: (path, public key)."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    secrets = [None] + [path.read_bytes().strip() for path in files if path.stat().st_size < 2000]
    found = []
    for path in files:
        content = path.read_bytes()
        if b"PRIVATE KEY" not in content:
            continue
        for secret in secrets:
            try:
                found.append((path, load_pem_private_key(content, secret).public_key()))
            except (ValueError, TypeError):
                continue
            break
    return found


def certwright(data, *arguments, json_out=True, **environment):
    """A command of the program on a data folder; what it said, and its status."""
    done = subprocess.run(
        [sys.executable, "-m", "certwright", "ca", *map(str, arguments), *(["--json"] if json_out else [])],
        env={**os.environ, "CERTWRIGHT_DATA_DIR": str(data), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if json_out and done.returncode == 0:
        return json.loads(done.stdout)
    return done
