"""A plain copy in memory, timed like a deployment: the bandwidth to be had without a runtime."""

from __future__ import annotations

import numpy as np

from opscope.core.diagnosis import Copied
from opscope.platforms.base import Arrays, TimedDeployment

_WARM = 2
_SAMPLES = 10


def copied(size: int) -> Copied:
    """Return timed copies that read and write ``size`` bytes together."""
    copy = _Copy(size // 2)
    copy.sample(_WARM)  # the first touches every page
    return Copied(bytes=2 * (size // 2), samples=copy.sample(_SAMPLES))


class _Copy(TimedDeployment):
    """Copies one array to another."""

    def __init__(self, size: int) -> None:
        self._source, self._target = np.ones(size, np.uint8), np.empty(size, np.uint8)

    def bind(self, inputs: Arrays) -> None:
        """Take no inputs."""

    def call(self) -> None:
        """Copy once."""
        np.copyto(self._target, self._source)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return the copy."""
        return {"copy": self._target}

    def close(self) -> None:
        """Hold nothing but memory."""
