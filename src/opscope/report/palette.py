"""Palette: the colours of series, told apart by the colour-blind too, in every backend."""

from __future__ import annotations

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#555555")
"""Okabe and Ito's, the strongest contrasts first, its black and yellow replaced by purple and
grey, which can be seen on white and on black."""


def color_of(position: int) -> str:
    """Return the colour of a series by its position in the palette, which repeats."""
    return PALETTE[position % len(PALETTE)]
