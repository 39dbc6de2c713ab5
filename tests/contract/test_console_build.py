# SPDX-License-Identifier: Apache-2.0
"""The console that is committed is the one that its sources make; it is typed, in form, tested, and small enough."""

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "gateway" / "console"
BUILT = ROOT / "gateway" / "static" / "console"
ENVIRONMENT = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}
MAX_FIRST_SCRIPT = 260 * 1024
MAX_CHART = 220 * 1024
MAX_STYLE = 45 * 1024


def run(*command):
    """Runs one of the console's tools; its output when it fails."""
    done = subprocess.run(command, cwd=SOURCES, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def packed(name):
    return len(gzip.compress((BUILT / name).read_bytes(), 9))


def imports_of(name):
    """The scripts that a script needs before it can run: its static imports, also theirs."""
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            text = (BUILT / "assets" / one).read_text()
            waiting += re.findall(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""", text)
    return found


@pytest.fixture(scope="module", autouse=True)
def typed_client():
    """The client's types come from the API document and are not committed."""
    run("npm", "run", "--silent", "api")


def test_the_committed_files_are_what_the_sources_make(tmp_path):
    run("npx", "vite", "build", "--logLevel", "error", "--outDir", str(tmp_path), "--emptyOutDir")
    made, committed = files(tmp_path), files(BUILT)
    assert sorted(made) == sorted(committed)
    assert [name for name in made if made[name] != committed[name]] == [], "run `make console` and commit what it made"


def test_the_sources_are_typed():
    run("npx", "tsc", "--noEmit")


def test_the_sources_are_in_form():
    run("npx", "biome", "check", "--error-on-warnings", ".")


def test_the_pure_parts_pass_their_tests():
    run("npx", "vitest", "run")


@pytest.mark.parametrize("page", ["OrdersPage.js", "SignInPage.js"])
def test_the_first_load_is_small(page):
    first = imports_of("index.js") | imports_of("en.js") | imports_of(page)
    sizes = {name: packed(f"assets/{name}") for name in first}
    assert sum(sizes.values()) <= MAX_FIRST_SCRIPT, sizes


def test_charts_are_loaded_only_where_one_is_drawn():
    """The library of charts is in a chunk of its own, which no first load and no page itself needs."""
    drawn = "Bars.js"
    assert packed(f"assets/{drawn}") <= MAX_CHART
    for page in ("index.js", "OrdersPage.js", "SignInPage.js", "SitesPage.js", "CertificatesPage.js"):
        assert drawn not in imports_of(page)


def test_the_style_is_small():
    assert packed("assets/style.css") <= MAX_STYLE


def test_no_script_stands_in_the_page():
    page = (BUILT / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == []
    assert "%NONCE%" in page
    assert re.findall(r"https?://", page) == []
