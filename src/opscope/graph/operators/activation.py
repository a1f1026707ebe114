"""Activations by themselves, as in ``act:relu``; after an operator they are its ``act=relu``."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import Layer, OnChannels


class _ByElement(OnChannels, frozen=True, kw_only=True):
    kind: ClassVar[str] = "act"
    fusible: ClassVar[bool] = True

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the nodes of one activation."""
        return net.activate(x, self.name)


class ReLU(_ByElement, frozen=True, kw_only=True):
    """max(0, x).

    Source: Tang et al., behaviour study, Table 1 and Fig. 7.
    """

    name: ClassVar[str] = Activation.RELU.value


class ReLU6(_ByElement, frozen=True, kw_only=True):
    """min(max(0, x), 6), as one Clip.

    Source: Tang et al., behaviour study, Table 1 and Fig. 7.
    """

    name: ClassVar[str] = Activation.RELU6.value


class LeakyReLU(_ByElement, frozen=True, kw_only=True):
    """x above zero, 0.1 · x below.

    Source: Redmon et al., You Only Look Once, eq. 2 (the slope).
    """

    name: ClassVar[str] = Activation.LEAKY_RELU.value


class Sigmoid(_ByElement, frozen=True, kw_only=True):
    """1 / (1 + exp(-x)).

    Source: Tang et al., behaviour study, Table 1 and Fig. 7.
    """

    name: ClassVar[str] = Activation.SIGMOID.value


class HardSigmoid(_ByElement, frozen=True, kw_only=True):
    """min(max(0, x + 3), 6) / 6.

    Source: Howard et al., Searching for MobileNetV3, Sec. 5.2.
    """

    name: ClassVar[str] = Activation.HARD_SIGMOID.value


class HardSwish(_ByElement, frozen=True, kw_only=True):
    """x · min(max(0, x + 3), 6) / 6, as one HardSwish.

    Source: Tang et al., behaviour study, Table 1 and Fig. 7; Howard et al., Searching for
    MobileNetV3, Sec. 5.2.
    """

    name: ClassVar[str] = Activation.HARD_SWISH.value


class Swish(_ByElement, frozen=True, kw_only=True):
    """x / (1 + exp(-x)), as Sigmoid and Mul.

    Source: Tang et al., behaviour study, Table 1 and Fig. 7.
    """

    name: ClassVar[str] = Activation.SWISH.value


class GELU(_ByElement, frozen=True, kw_only=True):
    """x · Φ(x), the exact form with the error function.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, Sec. 2.
    """

    name: ClassVar[str] = Activation.GELU.value


class Softmax(Layer, frozen=True, kw_only=True):
    """exp(x) over its sum along C, on (N, C).

    Source: Bridle, Probabilistic Interpretation of Feedforward Network Outputs.
    """

    kind: ClassVar[str] = "act"
    name: ClassVar[str] = "softmax"

    c: Size

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (N, C)."""
        return batch, self.c

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one softmax."""
        return net.softmax(x)


DESIGNS = (ReLU, ReLU6, LeakyReLU, Sigmoid, HardSigmoid, HardSwish, Swish, GELU, Softmax)
