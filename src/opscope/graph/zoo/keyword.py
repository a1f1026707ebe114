"""Keyword spotting networks of Hello Edge, and five DS-CNNs of about equal operations.

The four kinds are those whose memory not-all-ops compares (Fig. 5). Dimensions and structure are
those of Zhang et al., Hello Edge: Keyword Spotting on Microcontrollers, 2017, small, medium and
large, in the authors' reference implementation (ML-KWS-for-MCU, ``train_commands.txt`` and
``models.py``): a convolution before BatchNorm keeps its bias, convolutions of the CNN and CRNN
are not padded, those of the DS-CNN are padded as TensorFlow pads.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from opscope.core.record import Record
from opscope.graph.activations import Activation
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Pair
from opscope.graph.zoo.base import Width, tensorflow_same

KERNEL = (10, 4)
"""Taps of the first convolutions over time and over coefficients."""


class Dimensions(StrEnum):
    """The three sizes of each network, for three classes of microcontrollers."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class KeywordNetwork(Design, frozen=True, kw_only=True):
    """A network that tells keywords apart by an image of MFCCs.

    Subclasses set ``name`` and write `layers`; those whose unpadded convolutions need a larger
    image than a pixel set ``smallest``.

    Attributes:
        frames: Steps in time, the image's height: 49 are a second at a stride of 20 ms.
        coefficients: MFCCs of a frame, the image's width.
        width: Multiplier of the hidden channels, which are rounded to whole ones.
        classes: Classes told apart: ten words, silence and the unknown.
    """

    kind: ClassVar[str] = "zoo"
    smallest: ClassVar[tuple[int, int]] = (1, 1)

    frames: Size = 49
    coefficients: Size = 10
    width: Width = 1.0
    classes: Size = 12

    def check(self) -> None:
        """Refuse an image that an unpadded convolution would leave nothing of."""
        frames, coefficients = self.smallest
        if self.frames < frames or self.coefficients < coefficients:
            raise self.refuse(
                f"{self.name} shrinks the input to nothing",
                f"Use frames={frames} and coefficients={coefficients}, or more.",
                *("frames", "coefficients"),
            )

    def build(self, net: Network, batch: int) -> Tensor:
        """Add the MFCCs as input of shape (N, 1, frames, coefficients), and the layers."""
        return self.layers(net, net.input((batch, 1, self.frames, self.coefficients)))

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer from the MFCCs to the classes, (N, classes)."""
        raise NotImplementedError

    def scaled(self, channels: int) -> int:
        """Return ``channels`` times the width multiplier, rounded, at least 1."""
        return max(1, round(channels * self.width))


class KeywordDNN(KeywordNetwork, frozen=True, kw_only=True):
    """Three hidden fully connected layers with ReLU.

    It was published with frames every 40 ms, hence 25 of them.
    """

    name: ClassVar[str] = "kws_dnn"
    hidden: ClassVar[Mapping[Dimensions, int]] = {
        Dimensions.SMALL: 144,
        Dimensions.MEDIUM: 256,
        Dimensions.LARGE: 436,
    }

    frames: Size = 25
    size: Dimensions = Dimensions.SMALL

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the fully connected layers."""
        x = net.flatten(x)
        for _ in range(3):
            x = net.fully_connected(x, self.scaled(self.hidden[self.size]))
            x = net.activate(x, Activation.RELU)
        return net.fully_connected(x, self.classes)


class CNNDimensions(Record, frozen=True, kw_only=True):
    """Channels of the two convolutions, and of the linear layer after them."""

    convolutions: tuple[int, int]
    linear: int


class KeywordCNN(KeywordNetwork, frozen=True, kw_only=True):
    """Two convolutions, a linear layer, a fully connected layer of 128 with BatchNorm and ReLU."""

    name: ClassVar[str] = "kws_cnn"
    smallest: ClassVar[tuple[int, int]] = (19, 7)
    dimensions: ClassVar[Mapping[Dimensions, CNNDimensions]] = {
        Dimensions.SMALL: CNNDimensions(convolutions=(28, 30), linear=16),
        Dimensions.MEDIUM: CNNDimensions(convolutions=(64, 48), linear=16),
        Dimensions.LARGE: CNNDimensions(convolutions=(60, 76), linear=58),
    }

    size: Dimensions = Dimensions.SMALL

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the convolutions, the second at stride 2 in time, and the classifier."""
        dimensions = self.dimensions[self.size]
        for channels, stride in zip(dimensions.convolutions, ((1, 1), (2, 1)), strict=True):
            x = net.conv(x, self.scaled(channels), KERNEL, s=stride, pad=0)
            x = _normalise(net, x)
        x = net.fully_connected(net.flatten(x), self.scaled(dimensions.linear))
        x = _normalise(net, net.fully_connected(x, self.scaled(128)))
        return net.fully_connected(x, self.classes)


class CRNNDimensions(Record, frozen=True, kw_only=True):
    """Channels and stride of the convolution, units of each GRU, and of the layer after them."""

    convolution: int
    stride: tuple[int, int]
    units: int
    hidden: int


class KeywordCRNN(KeywordNetwork, frozen=True, kw_only=True):
    """A convolution, two GRUs over time, of which the last state counts, a fully connected layer.

    The GRUs' reset gate acts after the matrix product, where TensorFlow's acted before; neither
    MACs nor shapes differ.
    """

    name: ClassVar[str] = "kws_crnn"
    smallest: ClassVar[tuple[int, int]] = KERNEL
    dimensions: ClassVar[Mapping[Dimensions, CRNNDimensions]] = {
        Dimensions.SMALL: CRNNDimensions(convolution=48, stride=(2, 2), units=60, hidden=84),
        Dimensions.MEDIUM: CRNNDimensions(convolution=128, stride=(2, 2), units=76, hidden=164),
        Dimensions.LARGE: CRNNDimensions(convolution=100, stride=(2, 1), units=136, hidden=188),
    }

    size: Dimensions = Dimensions.SMALL

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the convolution, the GRUs and the classifier."""
        dimensions = self.dimensions[self.size]
        x = net.conv(x, self.scaled(dimensions.convolution), KERNEL, s=dimensions.stride, pad=0)
        x = net.activate(x, Activation.RELU)
        batch, channels, steps, features = x.shape
        x = net.reshape(net.transpose(x, (2, 0, 1, 3)), (steps, batch, channels * features))
        units = self.scaled(dimensions.units)
        x = net.gru(net.gru(x, units), units, last=True)
        x = net.activate(net.fully_connected(x, self.scaled(dimensions.hidden)), Activation.RELU)
        return net.fully_connected(x, self.classes)


class DSCNNDimensions(Record, frozen=True, kw_only=True):
    """Channels of every layer, stride of the first, and the depthwise separable blocks.

    Attributes:
        blocks: How many there are.
        reduction: Stride of the first of them.
    """

    channels: int
    stride: tuple[int, int]
    blocks: int
    reduction: int = 1


class _DSCNN(KeywordNetwork, frozen=True, kw_only=True):
    """A convolution, depthwise separable blocks, the mean over the image."""

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the convolution, the blocks and the classifier."""
        dimensions = self.chosen()
        channels = self.scaled(dimensions.channels)
        x = _same(net, x, channels, KERNEL, dimensions.stride)
        for block in range(dimensions.blocks):
            stride = 1 if block else dimensions.reduction
            x = _same(net, x, channels, 3, stride, groups=channels)
            x = _same(net, x, channels, 1)
        return net.fully_connected(net.flatten(net.global_average_pool(x)), self.classes)

    def chosen(self) -> DSCNNDimensions:
        """Return the dimensions before the width multiplier."""
        raise NotImplementedError


class KeywordDSCNN(_DSCNN, frozen=True, kw_only=True):
    """The DS-CNN of Hello Edge."""

    name: ClassVar[str] = "kws_ds_cnn"
    dimensions: ClassVar[Mapping[Dimensions, DSCNNDimensions]] = {
        Dimensions.SMALL: DSCNNDimensions(channels=64, stride=(2, 2), blocks=4),
        Dimensions.MEDIUM: DSCNNDimensions(channels=172, stride=(2, 1), blocks=4, reduction=2),
        Dimensions.LARGE: DSCNNDimensions(channels=276, stride=(2, 1), blocks=5, reduction=2),
    }

    size: Dimensions = Dimensions.SMALL

    def chosen(self) -> DSCNNDimensions:
        """Return the published dimensions of this size."""
        return self.dimensions[self.size]


class _EqualDSCNN(_DSCNN, frozen=True, kw_only=True):
    """One of five DS-CNNs of about equal operations (not-all-ops, Figs. 3 and 4).

    The paper says that layers and features per layer differ, not what they are. Here the small
    DS-CNN of Hello Edge is the middle one; the others have fewer and wider, or more and narrower
    blocks, with channels chosen so that the MACs are within 1 % of it. The narrower, the larger
    the share of depthwise convolution, which is what the paper compares.
    """

    channels: ClassVar[int]
    blocks: ClassVar[int]

    def chosen(self) -> DSCNNDimensions:
        """Return the dimensions that make the operations equal."""
        return DSCNNDimensions(channels=self.channels, stride=(2, 2), blocks=self.blocks)


class DSCNNA(_EqualDSCNN, frozen=True, kw_only=True):
    """Two blocks of 90 channels."""

    name: ClassVar[str] = "ds_cnn_a"
    channels: ClassVar[int] = 90
    blocks: ClassVar[int] = 2


class DSCNNB(_EqualDSCNN, frozen=True, kw_only=True):
    """Three blocks of 74 channels."""

    name: ClassVar[str] = "ds_cnn_b"
    channels: ClassVar[int] = 74
    blocks: ClassVar[int] = 3


class DSCNNC(_EqualDSCNN, frozen=True, kw_only=True):
    """Four blocks of 64 channels: the small DS-CNN of Hello Edge."""

    name: ClassVar[str] = "ds_cnn_c"
    channels: ClassVar[int] = 64
    blocks: ClassVar[int] = 4


class DSCNND(_EqualDSCNN, frozen=True, kw_only=True):
    """Six blocks of 52 channels."""

    name: ClassVar[str] = "ds_cnn_d"
    channels: ClassVar[int] = 52
    blocks: ClassVar[int] = 6


class DSCNNE(_EqualDSCNN, frozen=True, kw_only=True):
    """Ten blocks of 40 channels."""

    name: ClassVar[str] = "ds_cnn_e"
    channels: ClassVar[int] = 40
    blocks: ClassVar[int] = 10


def _normalise(net: Network, x: Tensor) -> Tensor:
    return net.activate(net.batch_norm(x), Activation.RELU)


def _same(net: Network, x: Tensor, cout: int, k: Pair, s: Pair = 1, *, groups: int = 1) -> Tensor:
    x = net.conv(x, cout, k, s=s, pad=tensorflow_same(x, k, s), groups=groups)
    return _normalise(net, x)


DESIGNS: tuple[type[Design], ...] = (
    *(KeywordDNN, KeywordCNN, KeywordCRNN, KeywordDSCNN),
    *(DSCNNA, DSCNNB, DSCNNC, DSCNND, DSCNNE),
)
