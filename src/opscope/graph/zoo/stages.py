"""Stages of inverted residuals, in which mobile networks are published. The networks are beside."""

from __future__ import annotations

from typing import NamedTuple

from opscope.graph.activations import Activation
from opscope.graph.blocks.parts import Squeeze, inverted_residual
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import round_channels


class Stage(NamedTuple):
    """One row of a table of architecture: blocks of equal hyper-parameters but for the stride.

    Attributes:
        expansion: Channels of the depthwise convolution per input channel of the block.
        channels: Output channels at width 1.
        blocks: How many blocks follow each other.
        stride: Stride of the first block; the others have 1.
        k: Kernel size of the depthwise convolution.
        squeezed: Whether squeeze-and-excitation follows it, through a quarter of the block's input
            channels.
        residual: Whether blocks add their input where shapes allow it.
    """

    expansion: int
    channels: int
    blocks: int
    stride: int
    k: int = 3
    squeezed: bool = False
    residual: bool = True


def add_stage(
    net: Network, x: Tensor, stage: Stage, *, act: Activation, width: float = 1.0
) -> Tensor:
    """Add the blocks of a stage, the activation also inside squeeze-and-excitation.

    Args:
        net: The network.
        x: Input of shape (N, Cin, H, W).
        stage: The row of the table.
        act: Activation after the expansion and the depthwise convolution.
        width: Multiplier of the stage's channels, rounded by `round_channels`.

    Returns:
        The output of shape (N, C, H / stride, W / stride), sizes rounded up.
    """
    for block in range(stage.blocks):
        x = inverted_residual(
            net,
            x,
            round_channels(stage.channels * width),
            expanded=stage.expansion * x.channels,
            k=stage.k,
            s=stage.stride if block == 0 else 1,
            act=act,
            squeeze=Squeeze(channels=max(1, x.channels // 4), act=act) if stage.squeezed else None,
            residual=stage.residual,
        )
    return x
