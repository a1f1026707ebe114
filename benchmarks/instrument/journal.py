"""What a long run found so far, kept in a folder, so that one broken off goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import opscope
from opscope.core.record import from_json, to_json

T = TypeVar("T")

_FOLDER = Path("build/bench-instrument")


class Journal:
    """What was found, by name, with opscope's code as it is now; other code begins anew."""

    def __init__(self) -> None:
        self._folder = _FOLDER / _code()
        self._folder.mkdir(parents=True, exist_ok=True)

    def kept(self, name: str, type_: type[T], find: Callable[[], T]) -> T:
        """Return what was found under this name before a break, or find it now and keep it."""
        path = self._folder / f"{name}.json"
        if path.exists():
            return from_json(path.read_bytes(), type_)
        found = find()
        new = path.with_suffix(".new")
        new.write_text(to_json(found), encoding="utf-8")
        new.replace(path)
        return found

    def forget(self, part: str) -> None:
        """Drop what was found under names that begin so; what other parts found stays."""
        for path in self._folder.glob(f"{part}*.json"):
            path.unlink()


def _code() -> str:
    """Return digits that name the content of opscope's and this benchmark's modules."""
    digest = hashlib.sha256()
    for folder in (Path(opscope.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
