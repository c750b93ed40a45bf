"""Makes a checkout ready to work: packages, browser files, translations; only where something changed."""

import ast
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Purpose = Literal["run", "dev"]

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CACHE = ROOT / ".cache"
NODE_MODULES = ROOT / "node_modules"
SEARCH = ROOT / "rental" / "routing" / "engines"
VENDORED = {"htmx.org/dist/htmx.min.js": ROOT / "static" / "vendor" / "htmx.min.js"}
OLDEST_NODE = 18

# sys.executable may be the very .venv that is about to be made anew.
# Without its links: python3 and python3.11 are one Python, from within its .venv as well.
BASE_PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))

PIP_SETTINGS_FOR_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}


class CannotContinue(Exception):
    """Why a command cannot do its work here, in a sentence for the person who started it."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """What stops a command is told in one sentence, never as a traceback."""
    try:
        yield
    except (CannotContinue, PermissionError) as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def set_up(purpose: Purpose) -> None:
    """Prepare the checkout to run the system, or to develop and test it as well."""
    ready = packages_are_ready(purpose) and assets_are_ready(purpose)
    if ready and search_is_compiled() and not stale_translations():
        return
    with one_set_up_at_a_time():
        install_packages(purpose)
        compile_search()
        install_assets(purpose)
        compile_translations()


# Python packages


def packages_are_ready(purpose: Purpose) -> bool:
    return installed_packages().get(purpose) == packages_wanted(purpose)


def installed_packages() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(stamp_of(VENV))
    except ValueError:
        return {}
    return stamp if PYTHON.exists() else {}


def packages_wanted(purpose: Purpose) -> str:
    """Changes with the lock, with Python, and when the checkout moves: scripts in a venv carry its path."""
    return fingerprint(this_python(), (REQUIREMENTS / f"{purpose}.lock").read_text())


def install_packages(purpose: Purpose) -> None:
    if packages_are_ready(purpose):
        return
    installed = installed_packages()
    if "dev" in installed:
        purpose = "dev"
    announce("Installing Python packages")
    uv = uv_command()
    if installed.get("python") != this_python():
        make_venv(VENV)
    write_stamp(VENV, "")
    sync(uv, PYTHON, REQUIREMENTS / f"{purpose}.lock")
    link_checkout()

    # Everything in run.lock is in dev.lock too, in the same versions.
    purposes: tuple[Purpose, ...] = ("run", "dev") if purpose == "dev" else ("run",)
    stamp = {"python": this_python()} | {each: packages_wanted(each) for each in purposes}
    write_stamp(VENV, json.dumps(stamp))


def sync(uv: str, python: Path, lock: Path) -> None:
    options = ["--quiet", "--require-hashes", "--no-build", "--compile-bytecode"]
    run([uv, "pip", "sync", *options, "--python", str(python), str(lock)], with_uv_settings())


def add_packages(lock: str) -> None:
    """What only measuring needs, beside what is installed, until that changes."""
    options = ["--quiet", "--require-hashes", "--no-build", "--python", str(PYTHON)]
    requirements = ["-r", str(REQUIREMENTS / f"{lock}.lock")]
    with one_set_up_at_a_time():
        run([uv_command(), "pip", "install", *options, *requirements], with_uv_settings())


def uv_command() -> str:
    """uv as locked, in an environment of its own: `uv pip sync` would remove it from any other."""
    home = CACHE / "uv"
    uv = home / "bin" / "uv"
    lock = REQUIREMENTS / "uv.lock"
    wanted = fingerprint(this_python(), lock.read_text())
    if stamp_of(home) != wanted:
        make_venv(home, with_pip=True)
        options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:"]
        pip = [str(home / "bin" / "python"), "-m", "pip"]
        run([*pip, "install", *options, "-r", str(lock)], with_caches())
        write_stamp(home, wanted)
    return str(uv)


def make_venv(directory: Path, *, with_pip: bool = False) -> None:
    if directory.is_symlink():
        raise CannotContinue(
            f"{directory} is a link, and what it leads to would be emptied: remove the link, and try again."
        )
    needed = ["venv", "ensurepip"] if with_pip else ["venv"]
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    if missing:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise CannotContinue(
            f"{BASE_PYTHON} cannot make virtual environments: no {' and no '.join(missing)}. "
            f"On Debian and Ubuntu: sudo apt install python3-venv (or python{version}-venv)."
        )
    pip = [] if with_pip else ["--without-pip"]
    run([BASE_PYTHON, "-m", "venv", "--clear", *pip, str(directory)])


def link_checkout() -> None:
    """The checkout itself becomes importable, and `rental` a command, without an unlocked build tool."""
    packages = VENV / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "genba.pth").write_text(f"{ROOT}\n")

    # Through sh, because a #! line allows neither spaces nor long paths.
    command = VENV / "bin" / "rental"
    command.write_text(
        f"#!/bin/sh\n'''exec' \"{PYTHON}\" \"$0\" \"$@\"\n' '''\n"
        "import sys\n\nfrom rental.cli import main\n\nsys.exit(main())\n"
    )
    command.chmod(0o755)


# The search for routes


def search_is_compiled() -> bool:
    return stamp_of(SEARCH / "__pycache__") == search_wanted()


def search_wanted() -> str:
    """By age, as the compiler itself judges; what another Python compiled is of no use to this one."""
    ages = sorted(f"{file.name} {file.stat().st_mtime_ns}" for file in SEARCH.glob("*.py"))
    return fingerprint(this_python(), *ages)


def compile_search() -> None:
    """So that neither the first plan nor the first test need wait for it."""
    if search_is_compiled():
        return
    announce("Compiling the search for routes")
    run([str(PYTHON), "-c", "from rental.routing.engines.chain import compiled; compiled()"], with_venv())
    write_stamp(SEARCH / "__pycache__", search_wanted())


# Browser files


def assets_are_ready(purpose: Purpose) -> bool:
    wanted = {assets_wanted("dev"), assets_wanted(purpose)}
    return stamp_of(NODE_MODULES) in wanted and all(target.exists() for target in VENDORED.values())


def assets_wanted(purpose: Purpose) -> str:
    files = (ROOT / "package.json", ROOT / "package-lock.json")
    return fingerprint(purpose, *(file.read_text() for file in files))


def install_assets(purpose: Purpose) -> None:
    if assets_are_ready(purpose):
        return
    announce("Installing browser files")
    omit = [] if purpose == "dev" else ["--omit=dev"]
    run([npm_command(), "ci", *omit], with_caches())
    for source, target in VENDORED.items():
        replace_file(target, (NODE_MODULES / source).read_bytes())
    write_stamp(NODE_MODULES, assets_wanted(purpose))


def npm_command() -> str:
    return str(node_folder() / "npm")


def node_folder() -> Path:
    """Where node and npm are: the machine's own when new enough, else the locked ones."""
    node = shutil.which("node")
    if node and shutil.which("npm", path=str(Path(node).parent)):
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.match(r"v(\d+)", answer)
        if version and int(version[1]) >= OLDEST_NODE:
            return Path(node).parent

    home = CACHE / "node"
    lock = REQUIREMENTS / "node.lock"
    wanted = fingerprint(this_python(), lock.read_text())
    if stamp_of(home) != wanted:
        announce("Installing Node")
        make_venv(home)
        sync(uv_command(), home / "bin" / "python", lock)
        write_stamp(home, wanted)
    return home / "bin"


# Translations


def stale_translations() -> list[Path]:
    return [po for po in translations() if not is_newer(po.with_suffix(".mo"), po)]


def translations() -> list[Path]:
    return sorted((ROOT / "rental" / "translations").glob("*/LC_MESSAGES/*.po"))


def compile_translations() -> None:
    pybabel = str(VENV / "bin" / "pybabel")
    for po in stale_translations():
        run([pybabel, "--quiet", "compile", "-i", str(po), "-o", str(po.with_suffix(".mo"))])


# The machine


def with_venv() -> dict[str, str]:
    """For programs of the venv. Without compiled modules kept, each of them starts seconds later."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment["PYTHONUTF8"] = "1"
    return environment


def with_uv_settings() -> dict[str, str]:
    """uv does not read pip's configuration: tell it where this machine gets its packages from."""
    environment = with_caches()
    for name, value in pip_settings().items():
        if name in PIP_SETTINGS_FOR_UV:
            environment.setdefault(PIP_SETTINGS_FOR_UV[name], value)
    return environment


def pip_settings() -> dict[str, str]:
    """What pip is told by its files and by PIP_ variables; the later of these lines wins."""
    pip = [str(CACHE / "uv" / "bin" / "python"), "-m", "pip", "config", "list"]
    lines = subprocess.run(pip, capture_output=True, text=True, check=False).stdout.splitlines()
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        for line in lines:
            name, _, value = line.partition("=")
            if name.startswith(f"{section}."):
                settings[name.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    return settings


def with_caches() -> dict[str, str]:
    """The tools keep their own caches in the home directory; a user without one gets them in the checkout."""
    environment = dict(os.environ)
    if not os.access(os.path.expanduser("~"), os.W_OK):
        environment.setdefault("PIP_CACHE_DIR", str(CACHE / "downloads" / "pip"))
        environment.setdefault("UV_CACHE_DIR", str(CACHE / "downloads" / "uv"))
        environment.setdefault("npm_config_cache", str(CACHE / "downloads" / "npm"))
    return environment


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, *, folder: Path = ROOT) -> None:
    """Run one tool with its output in view; its own words say best what went wrong."""
    finished = subprocess.run(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, check=False)
    if finished.returncode != 0:
        raise CannotContinue(f"This failed, its own messages are above: {' '.join(command)}")


@contextmanager
def one_set_up_at_a_time() -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "set-up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            announce("Waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def announce(step: str) -> None:
    print(f"{step} …", flush=True)


# Stamps


def this_python() -> str:
    return f"{sys.version} {BASE_PYTHON} {ROOT}"


def fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def stamp_of(directory: Path) -> str:
    try:
        return (directory / ".genba-stamp").read_text()
    except OSError:
        return ""


def write_stamp(directory: Path, wanted: str) -> None:
    (directory / ".genba-stamp").write_text(wanted)


def replace_file(target: Path, content: bytes) -> None:
    """All at once: a running web server may be sending it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half_done = target.with_name(f"{target.name}.new")
    half_done.write_bytes(content)
    half_done.replace(target)


def is_newer(made: Path, source: Path) -> bool:
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime
