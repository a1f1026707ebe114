"""Recurrent layers: the GRU of keyword-spotting networks."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import Layer


class GRU(Layer, frozen=True, kw_only=True):
    """Gated recurrent units over T steps of Cin features: (T, N, Cin) to (T, N, hidden).

    ``bidirectional`` doubles the output features, forward before backward; ``last`` yields only
    each direction's state after its last step, (N, features).

    Source: Cho et al., Learning Phrase Representations, Sec. 2.3; the reset gate after the
    matrix product, as PyTorch and cuDNN compute it.
    """

    kind: ClassVar[str] = "gru"

    t: Size
    cin: Size
    hidden: Size
    bidirectional: Flag = 0
    last: Flag = 0

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (T, N, Cin)."""
        return self.t, batch, self.cin

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one GRU node and the reshaping of its output."""
        return net.gru(x, self.hidden, bidirectional=bool(self.bidirectional), last=bool(self.last))


DESIGNS = (GRU,)
