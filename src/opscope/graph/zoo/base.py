"""What the zoo's networks share: their parameters, and how a width multiplier rounds channels."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Pair, pair

Width = Annotated[float, msgspec.Meta(gt=0, le=16)]
"""A width multiplier: 1 is the published network."""


class ImageNetwork(Design, frozen=True, kw_only=True):
    """A network that sorts square images into classes.

    Subclasses set ``name`` and the defaults of their publication, and write `layers`.

    Attributes:
        input: Height and width of the image.
        width: Multiplier of the channels.
        classes: Classes told apart.
    """

    kind: ClassVar[str] = "zoo"
    channels: ClassVar[int] = 3

    input: Size = 224
    width: Width = 1.0
    classes: Size = 1000

    def build(self, net: Network, batch: int) -> Tensor:
        """Add the image as input of shape (N, channels, H, W), and the layers."""
        return self.layers(net, net.input((batch, self.channels, self.input, self.input)))

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer from the image to the classes, (N, classes)."""
        raise NotImplementedError


def round_channels(channels: float, divisor: int = 8) -> int:
    """Return the multiple of ``divisor`` next to ``channels``, at most 10 % below it.

    Source: the rounding that MobileNetV2 and its successors were published with.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


def tensorflow_same(x: Tensor, k: Pair, s: Pair = 1) -> tuple[int, int, int, int]:
    """Return the zeros (top, left, bottom, right) that make H' = ⌈H / S⌉, the odd one at the end.

    Source: the padding ``SAME`` of TensorFlow, by which networks published there differ at
    stride 2 from the same zeros on every side.
    """
    before, after = [], []
    for side, kernel, stride in zip(x.shape[2:], pair(k), pair(s), strict=True):
        zeros = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        before.append(zeros // 2)
        after.append(zeros - zeros // 2)
    return (*before, *after)  # type: ignore[return-value]  # two axes each
