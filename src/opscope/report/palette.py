"""Palette: the colours of every figure, told apart by colour-blind readers too, light and dark."""

from __future__ import annotations

from opscope.core.record import Record


class Theme(Record, frozen=True, kw_only=True):
    """Colours on one background; each series stands out from it by at least 3 to 1.

    Attributes:
        series: Colours of series in order; a ninth series starts again at the first.
    """

    background: str
    text: str
    grid: str
    series: tuple[str, ...]


LIGHT = Theme(
    background="#ffffff",
    text="#1c2126",
    grid="#d9dee3",
    series=(
        *("#0068a9", "#c44e00", "#007a5a", "#9c3f86"),
        *("#8a6a00", "#00707c", "#5a4bb5", "#a3293d"),
    ),
)
DARK = Theme(
    background="#14181c",
    text="#e8ecef",
    grid="#3a424a",
    series=(
        *("#56b4e9", "#ff9a52", "#3fd0a0", "#e58fc8"),
        *("#e9c84a", "#5fd3dc", "#a99cff", "#ff8b94"),
    ),
)
