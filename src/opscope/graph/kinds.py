"""Input kinds: what an input carries (images, integers, masks), and such values from a seed.

Which input has which kind is declared by whoever knows the model; nothing here guesses it.
"""

from __future__ import annotations

import re

import numpy as np

from opscope.core.record import Record
from opscope.errors import ConfigurationError

_RANGE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\.\.(-?[0-9]+(?:\.[0-9]+)?)")

FORMS = "normal, image, image255, mask or a range such as 0..30521"
"""How the kinds are written."""

_BYTE = 256


class InputKind(Record, frozen=True, kw_only=True):
    """What an input carries.

    Attributes:
        name: ``normal`` (standard normal), ``image`` (pixels scaled to 0…1, or the whole range of
            an 8-bit input), ``image255`` (pixels as whole numbers 0…255), ``mask`` (0 or 1, the
            first along the last axis always 1 so that no row masks everything out) or ``range``.
        low: Least value of a range.
        high: Greatest value of a range, included.
    """

    name: str
    low: float = 0
    high: float = 0

    @classmethod
    def parse(cls, text: str) -> InputKind:
        """Return the kind that ``text`` names; ``LOW..HIGH`` is a range with both ends included.

        Raises:
            ConfigurationError: If there is no such kind; it lists those there are.
        """
        if text in {"normal", "image", "image255", "mask"}:
            return cls(name=text)
        if match := _RANGE.fullmatch(text):
            low, high = (float(end) for end in match.groups())
            if low <= high:
                return cls(name="range", low=low, high=high)
        raise ConfigurationError(f"{text!r} is not a kind of input", remedy=f"Use {FORMS}.")

    def __str__(self) -> str:
        return f"{self.low:.15g}..{self.high:.15g}" if self.name == "range" else self.name

    def fits(self, dtype: str) -> bool:
        """Whether an input of that numpy type can carry the kind."""
        if dtype == "bool":
            return self.name == "mask" or (self.name, self.low, self.high) == ("range", 0, 1)
        if not is_integer(dtype):
            return True
        low, high = self._bounds(dtype)
        limits = np.iinfo(dtype)
        whole = low == int(low) and high == int(high)
        return self.name != "normal" and whole and limits.min <= low and high <= limits.max

    def draw(self, shape: tuple[int, ...], dtype: str, stream: np.random.Generator) -> np.ndarray:
        """Return values of ``shape`` and numpy type ``dtype`` that the kind allows."""
        if self.name == "normal":
            return stream.standard_normal(shape, dtype=np.float32).astype(dtype, copy=False)
        if self.name == "mask":
            mask = stream.integers(0, 2, shape)
            mask[..., :1] = 1
            return mask.astype(dtype)
        low, high = self._bounds(dtype)
        if is_integer(dtype) or dtype == "bool" or self.name == "image255":
            return stream.integers(int(low), int(high), shape, endpoint=True).astype(dtype)
        return stream.uniform(low, high, shape).astype(dtype)

    def _bounds(self, dtype: str) -> tuple[float, float]:
        if self.name == "range":
            return self.low, self.high
        if self.name == "mask":
            return 0, 1
        if self.name == "image" and is_integer(dtype) and np.dtype(dtype).itemsize == 1:
            limits = np.iinfo(dtype)
            return limits.min, limits.max
        return 0, 1 if self.name == "image" and not is_integer(dtype) else _BYTE - 1


NORMAL = InputKind(name="normal")
"""What a floating-point input carries unless something else is declared."""


def is_integer(dtype: str) -> bool:
    """Whether a numpy type, given by its name, counts in whole numbers."""
    return dtype.startswith(("int", "uint"))
