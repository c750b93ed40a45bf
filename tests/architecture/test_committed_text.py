"""What is committed belongs to everybody: no machine's paths, no mirror, no secret."""

import re
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rental.config import VARIABLES
from rental.wiring import flows, wire

ROOT = Path(__file__).parents[2]

# Every host that a committed file may name, and why.
HOSTS = {
    # nobody's by RFC 2606 and 6761, for examples and tests
    "example.jp",
    "example.com",
    "example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    # this machine as an address template in a script or test
    "127.0.0.1:port",
    # namespaces and licences
    "www.w3.org",
    "www.apache.org",
    "spdx.org",
    # standards and manuals that documents and comments point to
    "www.rfc-editor.org",
    "datatracker.ietf.org",
    "owasp.org",
    "cheatsheetseries.owasp.org",
    "pages.nist.gov",
    "keepachangelog.com",
    "semver.org",
    "docs.python.org",
    "docs.sqlalchemy.org",
    "sqlalche.me",
    "www.postgresql.org",
    "www.sqlite.org",
    "htmx.org",
    "json.schemastore.org",
    # the map program that a technician's phone opens for the way to a site, by a plain link
    "www.google.com",
    # laws
    "laws.e-gov.go.jp",
    "www.ppc.go.jp",
    "www.nta.go.jp",
}
_ADDRESS = re.compile(r"[a-z][a-z+]*://[^\s\"'`<>)\]}|,]+", re.IGNORECASE)
_MACHINE_PATH = re.compile(r"(?<![\w.$~/-])/(?:root|home|Users|workspace|work|mnt|builds?|opt)/[\w.]+")
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{20,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abp]-\w{10,}"
)


@cache
def _committed() -> dict[str, str]:
    """Every text file that is committed, or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    texts = {}
    for name in listed.splitlines():
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            texts[name] = content.decode()
    return texts


def _is_allowed(host: str) -> bool:
    if "{" in host or "$" in host or "%" in host:
        return True  # a template: the host is put in by the program
    return host in HOSTS or host.endswith((".example.jp", ".example", ".example.com"))


def test_committed_text_names_only_hosts_that_it_has_a_reason_to() -> None:
    found = []
    for name, content in _committed().items():
        for address in _ADDRESS.findall(content):
            try:
                host = urlsplit(address).netloc.rpartition("@")[2]
            except ValueError:
                continue
            host = re.sub(r":[\w{}$]*$", "", host) if not host.startswith("[") else "[::1]"
            is_hostile_example = name.startswith("tests/") and "evil" in address
            is_on_the_net = address.startswith(("http", "ftp", "git", "ssh")) and bool(host)
            if is_on_the_net and not is_hostile_example and not _is_allowed(host.rstrip(".;:")):
                found.append(f"{name}: {address}")
    assert sorted(set(found)) == []


def test_lock_files_name_no_place_to_download_from() -> None:
    locks = {n: t for n, t in _committed().items() if n.endswith((".lock", "package-lock.json", ".npmrc"))}
    assert locks
    wrong = [
        f"{name}: {line.strip()}"
        for name, content in locks.items()
        for line in content.splitlines()
        if re.search(r"https?://|--(extra-)?index-url|--find-links|\"resolved\"|registry\s*=", line)
    ]
    assert wrong == []


def test_every_locked_package_has_its_hash() -> None:
    wrong = []
    for name in ("requirements/run.lock", "requirements/dev.lock"):
        content = _committed()[name].replace("\\\n", " ")
        wrong += [
            f"{name}: {line.split()[0]}"
            for line in content.splitlines()
            if re.match(r"^[a-zA-Z0-9]", line) and "--hash=sha256:" not in line
        ]
    assert wrong == []


def test_committed_text_names_no_path_of_a_machine_and_no_secret() -> None:
    this = Path(__file__).relative_to(ROOT).as_posix()
    wrong = [
        f"{name}: {found}"
        for name, content in _committed().items()
        if name != this
        for found in [*_MACHINE_PATH.findall(content), *_SECRET.findall(content)]
    ]
    assert wrong == []


def test_nothing_committed_is_a_database_or_made_by_a_tool() -> None:
    unwanted = re.compile(r"\.(sqlite3?|db|pyc|mo|log|pem|key)$|(^|/)(node_modules|__pycache__|\.venv)/")
    assert [name for name in _committed() if unwanted.search(name)] == []


def test_every_variable_is_documented_and_nothing_else_is() -> None:
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \|\s*(.*?)\s*\|\s*(.*?)\s*\|$", document, re.MULTILINE)
    plain = {
        (name, re.sub(r"[`\\]", "", default), re.sub(r"[`\\]", "", said)) for name, default, said in rows
    }
    assert plain == {(v.name, v.default, v.meaning) for v in VARIABLES}


def test_no_variable_is_read_that_is_not_in_the_table() -> None:
    known = {variable.name for variable in VARIABLES}
    reading = re.compile(
        r"environ(?:ment)?(?:\.get\(|\[)\s*[\"']([A-Z_]+)[\"']|_(?:yes|count)\(environment, \"([A-Z_]+)\""
    )
    read = {
        (name, first or second)
        for name, content in _committed().items()
        if name.startswith("rental/") and name.endswith(".py")
        for first, second in reading.findall(content)
    }
    assert {variable for _, variable in read} - known == set()
    assert known - {variable for _, variable in read} == set()


def test_the_table_of_flows_is_the_one_the_program_prints() -> None:
    document = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    table = "".join(f"{line}\n" for line in document.splitlines() if line.startswith("|"))
    assert table == flows(wire())
