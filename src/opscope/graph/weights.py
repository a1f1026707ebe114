"""Weights: drawn from seeds when a platform prepares a graph, or kept from the user's own file."""

from __future__ import annotations

import hashlib
import math
from typing import Protocol

import numpy as np
import onnx

from opscope.core.record import Record

_CHUNK = 65_536


class Weights(Protocol):
    """A tensor of weights that a graph's structure leaves out."""

    @property
    def name(self) -> str:
        """The tensor that the structure has for it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    @property
    def size(self) -> int:
        """Number of parameters."""

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes in the model."""

    def fill(self, initializer: onnx.TensorProto, seed: int) -> None:
        """Write the values into an ONNX initializer, in place."""


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

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes in the model."""
        return 4 * self.size

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


class Payload(Protocol):
    """Where the bytes of stored weights are."""

    def read(self) -> bytes:
        """Return them all."""


class StoredWeight(Record, frozen=True, kw_only=True):
    """A tensor of weights from the user's own model; no seed changes it.

    Attributes:
        data_type: Its number format, as ``onnx.TensorProto`` numbers them.
        size_bytes: Bytes it takes, little-endian and packed as ONNX has it.
        payload: Gives those bytes.
    """

    name: str
    shape: tuple[int, ...]
    data_type: int
    size_bytes: int
    payload: Payload

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)

    def fill(self, initializer: onnx.TensorProto, seed: int) -> None:  # noqa: ARG002 - see Weights
        """Write the stored weights into an ONNX initializer, in place."""
        initializer.name = self.name
        initializer.dims.extend(self.shape)
        initializer.data_type = self.data_type
        initializer.raw_data = self.payload.read()


def he_bound(fan_in: int) -> float:
    """Return the bound of He's uniform initialisation, which keeps magnitudes through ReLU.

    Source: He et al., Delving Deep into Rectifiers, eq. 10: variance 2 / fan-in.
    """
    return math.sqrt(6.0 / fan_in)
