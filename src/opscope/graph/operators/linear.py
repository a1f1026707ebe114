"""Fully connected layers."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import Layer


class FullyConnected(Layer, frozen=True, kw_only=True):
    """Fully connected layer from (N, Cin) to (N, Cout).

    Source: Tang et al., behaviour study, Table 1.
    """

    kind: ClassVar[str] = "fc"

    cin: Size
    cout: Size
    bias: Flag = 1
    act: Activation = Activation.NONE

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (N, Cin)."""
        return batch, self.cin

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one fully connected layer and its activation."""
        return net.activate(net.fully_connected(x, self.cout, bias=bool(self.bias)), self.act)


DESIGNS = (FullyConnected,)
