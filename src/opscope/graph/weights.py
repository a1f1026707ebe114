"""Weights from seeds: drawn when a platform prepares a graph, never before."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import onnx

from opscope.core.record import Record

_CHUNK = 65_536


class Weight(Record, frozen=True, kw_only=True):
    """A tensor of weights that is not there yet: uniform within ± ``bound`` around ``centre``."""

    name: str
    shape: tuple[int, ...]
    bound: float
    centre: float = 0.0

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)

    def draw(self, seed: int) -> np.ndarray:
        """Return the weights, float32 of ``shape``, the same for the same seed and name.

        Each tensor has its own stream, so that adding a layer leaves the others' weights alone.
        """
        name = hashlib.sha256(f"{seed}/{self.name}".encode()).digest()
        stream = np.random.Generator(np.random.SFC64(int.from_bytes(name[:16], "little")))
        values = np.empty(self.size, np.float32)
        for start in range(0, self.size, _CHUNK):  # each chunk stays in the cache
            chunk = values[start : start + _CHUNK]
            stream.random(dtype=np.float32, out=chunk)
            chunk *= np.float32(2 * self.bound)
            chunk += np.float32(self.centre - self.bound)
        return values.reshape(self.shape)

    def fill(self, initializer: onnx.TensorProto, seed: int) -> None:
        """Write the drawn weights into an ONNX initializer, in place."""
        initializer.name = self.name
        initializer.dims.extend(self.shape)
        initializer.data_type = onnx.TensorProto.FLOAT
        initializer.raw_data = self.draw(seed).tobytes()


def he_bound(fan_in: int) -> float:
    """Return the bound of He's uniform initialisation, which keeps magnitudes through ReLU.

    Source: He et al., Delving Deep into Rectifiers, eq. 10: variance 2 / fan-in.
    """
    return math.sqrt(6.0 / fan_in)
