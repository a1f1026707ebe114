"""MnasNet-A1. Padding is symmetric, which gives the sizes of TensorFlow's convention."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Design
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork, round_channels
from opscope.graph.zoo.stages import Stage, add_stage

_STAGES = (
    Stage(1, 16, 1, 1, residual=False),
    Stage(6, 24, 2, 2),
    Stage(3, 40, 3, 2, k=5, squeezed=True),
    Stage(6, 80, 4, 2),
    Stage(6, 112, 2, 1, squeezed=True),
    Stage(6, 160, 3, 2, k=5, squeezed=True),
    Stage(6, 320, 1, 1),
)


class MnasNetA1(ImageNetwork, frozen=True, kw_only=True):
    """MnasNet-A1: inverted residuals with ReLU, some with squeeze-and-excitation.

    The last convolution, which the paper's figure leaves out, has 1280 channels at every width.

    Source: Tan et al., MnasNet, Fig. 7; the authors' `mnasnet_model.py` for the last convolution.
    """

    name: ClassVar[str] = "mnasnet_a1"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        act = Activation.RELU
        y = net.conv_bn(x, round_channels(32 * self.width), 3, s=2, act=act)
        for stage in _STAGES:
            y = add_stage(net, y, stage, act=act, width=self.width)
        return self.classify(net, net.conv_bn(y, 1280, 1, act=act))


DESIGNS: tuple[type[Design], ...] = (MnasNetA1,)
