"""Operators without weights on whole tensors: Add, Multiply, Concat and channel Shuffle.

Where two tensors meet, each is an input of the graph: a tensor met with itself could be rewritten.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import OnChannels, divisors


class Add(OnChannels, frozen=True, kw_only=True):
    """Sum of two tensors, as a residual connection computes it.

    Source: Tang et al., behaviour study, Table 1.
    """

    kind: ClassVar[str] = "add"
    fusible: ClassVar[bool] = True

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add a second input and one addition."""
        return net.add(x, net.input(x.shape, "other"))


class Multiply(OnChannels, frozen=True, kw_only=True):
    """Product of two tensors, or with ``vector`` of a tensor and one weight per channel, as in SE.

    Source: Tang et al., behaviour study, Table 1; Sec. 4.2 (tensor-vector multiplication).
    """

    kind: ClassVar[str] = "multiply"
    fusible: ClassVar[bool] = True

    vector: Flag = 0

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add a second input and one multiplication."""
        shape = (*x.shape[:2], 1, 1) if self.vector else x.shape
        return net.multiply(x, net.input(shape, "other"))


class Concat(OnChannels, frozen=True, kw_only=True):
    """As many tensors of C channels each as ``inputs`` says, joined along the channels.

    Source: Tang et al., behaviour study, Table 1.
    """

    kind: ClassVar[str] = "concat"

    inputs: Annotated[int, msgspec.Meta(ge=2, le=64)] = 2

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the other inputs and one Concat."""
        others = [net.input(x.shape, f"other{number}") for number in range(1, self.inputs)]
        return net.concat(x, *others)


class Shuffle(OnChannels, frozen=True, kw_only=True):
    """Channels shuffled between groups: Reshape, Transpose, Reshape.

    Source: Zhang et al., ShuffleNet, Sec. 3.1; two groups as in Ma et al., ShuffleNet V2, Sec. 3.
    """

    kind: ClassVar[str] = "shuffle"

    groups: Size = 2

    def check(self) -> None:
        """Refuse groups that do not divide the channels."""
        if self.c % self.groups:
            raise self.refuse("groups must divide c", divisors(self.c), "c", "groups")

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the three nodes of a shuffle."""
        return net.shuffle(x, self.groups)


DESIGNS = (Add, Multiply, Concat, Shuffle)
