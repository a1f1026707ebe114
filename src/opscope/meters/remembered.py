"""What contention was at its least: kept in a file of the user's, from one cohort to the next.

A core that is always shared cannot be told from a slower one by anything that is read meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

import msgspec

from opscope.platforms import cpu

_COHORTS = 1000
"""How many are kept of each processor: what is always shared must not soon forget."""

Kept = dict[str, list[float]]


def least_contention() -> float | None:
    """Return contention with the core alone, as cohorts before showed it; nothing if none did.

    A cohort's own leaves out its very lowest reading, so that a single error hardly counts.
    """
    with contextlib.suppress(OSError, RuntimeError, msgspec.MsgspecError):
        return min(_read(_place()).get(_arithmetic(), []), default=None)
    return None


def keep_contention(least: float) -> None:
    """Keep what a cohort showed at the least, if the file can be written."""
    with contextlib.suppress(OSError, RuntimeError):
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        kept: Kept = {}
        with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
            kept = _read(place)
        kept[_arithmetic()] = [*kept.get(_arithmetic(), []), least][-_COHORTS:]
        _replace(place, msgspec.json.encode(kept))


def _place() -> Path:
    """Return the file.

    Raises:
        RuntimeError: If the user has no home.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = named if named.is_absolute() else Path.home() / ".cache"
    return folder / "opscope" / "contention.json"


def _arithmetic() -> str:
    """Return what contention depends on: the processor, and who multiplies."""
    name, extensions = cpu.describe()
    return " ".join((name, *extensions, f"numpy {version('numpy')}"))


def _read(place: Path) -> Kept:
    return msgspec.json.decode(place.read_bytes(), type=Kept)


def _replace(place: Path, content: bytes) -> None:
    """Write a file at once, so that nobody reads half of it."""
    descriptor, name = tempfile.mkstemp(dir=place.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(place)
    except OSError:
        Path(name).unlink()
        raise
