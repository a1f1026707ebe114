"""What contention was at its least: kept in a file of the user's, from one cohort to the next.

A core that is always shared cannot be told from a slower one by anything that is read meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from opscope.platforms import cpu
from opscope.stats.location import percentiles

_COHORTS = 1000
"""How many are kept of each processor: what is always shared must not soon forget."""

_PERCENTILE = 1
"""Of many levels a few may err."""

_ENOUGH = 10
"""So many cohorts, and one of them will have had its core alone; or the core never is."""

_Kept = dict[str, list[Annotated[float, Meta(gt=0)]]]
_UNREADABLE = (OSError, ValueError, RuntimeError, msgspec.MsgspecError)
"""No file or no right to it, a key that is no text, a user without a home, other content."""


def least_contention() -> float | None:
    """Return contention with the core alone, as cohorts before showed it; nothing if none did."""
    levels = _levels()
    return percentiles(levels, _PERCENTILE)[0] if levels else None


def is_well_known() -> bool:
    """Say whether so many cohorts were measured here that one of them will have had its core."""
    return len(_levels()) >= _ENOUGH


def keep_contention(least: float) -> None:
    """Keep what a cohort showed at the least, if the file can be written."""
    with contextlib.suppress(OSError, RuntimeError):
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        kept: _Kept = {}
        with contextlib.suppress(*_UNREADABLE):
            kept = _read(place)
        kept[_arithmetic()] = [*kept.get(_arithmetic(), []), least][-_COHORTS:]
        _replace(place, msgspec.json.encode(kept))


def _levels() -> list[float]:
    with contextlib.suppress(*_UNREADABLE):
        return _read(_place()).get(_arithmetic(), [])
    return []


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
    return " ".join((name, *extensions, f"numpy {np.__version__}"))


def _read(place: Path) -> _Kept:
    return msgspec.json.decode(place.read_bytes(), type=_Kept)


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
