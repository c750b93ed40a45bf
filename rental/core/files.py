"""Files behind one interface: stored by their own hash, so that the same bytes are kept once."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from rental.core.errors import NotFound

_SHA256 = re.compile(r"[0-9a-f]{64}")


class FileStore(Protocol):
    """Keeps bytes under their SHA-256 in hexadecimal. Putting the same bytes twice changes nothing."""

    def put(self, content: bytes) -> str: ...

    def get(self, sha256: str) -> bytes: ...

    def has(self, sha256: str) -> bool: ...


class FolderStore:
    """Files in a folder of this machine, two levels deep, readable by nobody else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Whole or not at all: written beside, synced, then renamed."""
        sha256 = hashlib.sha256(content).hexdigest()
        place = self._place(sha256)
        if place.exists():
            return sha256
        for folder in (self._folder, place.parent.parent, place.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(place)
            for folder in (place.parent, place.parent.parent, self._folder):
                _sync(folder)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        return sha256

    def get(self, sha256: str) -> bytes:
        """Raises NotFound when there are no such bytes."""
        try:
            return self._place(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(kind="stored_file") from None

    def has(self, sha256: str) -> bool:
        return self._place(sha256).exists()

    def _place(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError("a file is named by its SHA-256 in hexadecimal")
        return self._folder / sha256[:2] / sha256[2:4] / sha256


def _sync(folder: Path) -> None:
    """A new name survives a power cut only when its folder is written out as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
