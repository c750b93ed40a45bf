"""Finds a Chromium for the browser tests: the machine's, else one from npm that needs no root."""

import json
import shutil
import subprocess
from pathlib import Path

import _setup

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOME = _setup.CACHE / "browser"
LOCKED = _setup.REQUIREMENTS / "browser"

# The package holds Chromium and the few libraries it needs as brotli files, which Node can read.
UNPACK = """
const { createReadStream, createWriteStream } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const { pipeline } = require("node:stream");
const stop = (problem) => { if (problem) throw problem; };
for (const [packed, plain] of JSON.parse(process.argv[1]))
  pipeline(createReadStream(packed), createBrotliDecompress(), createWriteStream(plain), stop);
"""


def find_browser() -> str | None:
    for name in NAMES:
        found = shutil.which(name)
        if found and starts(found):
            return found
    return browser_from_npm()


def starts(browser: str) -> bool:
    """Ubuntu's chromium-browser only advertises another package, and libraries may be missing."""
    try:
        answer = subprocess.run([browser, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def browser_from_npm() -> str | None:
    command = HOME / "chromium"
    wanted = _setup.fingerprint(str(HOME), (LOCKED / "package-lock.json").read_text())
    if _setup.stamp_of(HOME) != wanted:
        with _setup.one_set_up_at_a_time():
            install(command)
            _setup.write_stamp(HOME, wanted)
    return str(command) if starts(str(command)) else None


def install(command: Path) -> None:
    _setup.announce("Installing a browser for the tests (about 220 MB)")
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKED / name, HOME)
    _setup.run([_setup.npm_command(), "ci"], _setup.with_caches(), folder=HOME)

    packed = HOME / "node_modules" / "@sparticuz" / "chromium" / "bin"
    archives = [HOME / "al2023.tar", HOME / "swiftshader.tar"]
    pairs = [(packed / "chromium.br", HOME / "headless_shell")]
    pairs += [(packed / f"{archive.name}.br", archive) for archive in archives]
    node = str(_setup.node_folder() / "node")
    _setup.run([node, "-e", UNPACK, json.dumps([(str(source), str(target)) for source, target in pairs])])
    for archive in archives:
        shutil.unpack_archive(archive, HOME)
        archive.unlink()
    shutil.rmtree(HOME / "node_modules")

    # Its libraries come last, so that the machine's own are used wherever they exist.
    with_libraries = f'export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:{HOME}/lib"'
    command.write_text(f'#!/bin/sh\n{with_libraries}\nexec "{HOME}/headless_shell" "$@"\n')
    command.chmod(0o755)
    (HOME / "headless_shell").chmod(0o755)
