"""What the zoo's networks share: their parameters, and how a width multiplier rounds channels."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Pair
from opscope.graph.windows import pair

Width = Annotated[float, msgspec.Meta(gt=0, le=16)]
"""A width multiplier: 1 is the published network."""


class ImageNetwork(Design, frozen=True, kw_only=True):
    """A network that sorts square images into classes.

    Subclasses set ``name`` and the defaults of their publication, and write `layers`.

    Subclasses with layers that a small image would leave nothing for set ``smallest``.

    Attributes:
        input: Height and width of the image.
        width: Multiplier of the channels.
        classes: Classes told apart.
    """

    kind: ClassVar[str] = "zoo"
    channels: ClassVar[int] = 3
    smallest: ClassVar[int] = 1

    input: Size = 224
    width: Width = 1.0
    classes: Size = 1000

    def check(self) -> None:
        """Refuse an input that some layer would leave nothing of."""
        if self.input < self.smallest:
            raise self.refuse(
                f"{self.name} shrinks the input to nothing",
                f"Use input={self.smallest} or more.",
                "input",
            )

    def build(self, net: Network, batch: int) -> Tensor:
        """Add the image as input of shape (N, channels, H, W), and the layers."""
        return self.layers(net, net.input((batch, self.channels, self.input, self.input)))

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer from the image to the classes, (N, classes)."""
        raise NotImplementedError

    def scaled(self, channels: float) -> int:
        """Return ``channels`` times the width multiplier, rounded, at least 1.

        For networks whose publication knows no multiplier.
        """
        return max(1, round(channels * self.width))

    def classify(self, net: Network, x: Tensor) -> Tensor:
        """Add the mean over H and W and a fully connected layer: (N, C, H, W) to (N, classes)."""
        return net.fully_connected(net.flatten(net.global_average_pool(x)), self.classes)


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
