"""Normalisation by itself: BatchNorm as inference computes it, kept a node of its own."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import OnChannels


class BatchNorm(OnChannels, frozen=True, kw_only=True):
    """BatchNorm with random, never vanishing statistics, not folded into anything.

    Source: Ioffe and Szegedy, Batch Normalization, Alg. 2.
    """

    kind: ClassVar[str] = "batch_norm"
    fusible: ClassVar[bool] = True

    act: Activation = Activation.NONE

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one BatchNorm and its activation."""
        return net.activate(net.batch_norm(x), self.act)


DESIGNS = (BatchNorm,)
