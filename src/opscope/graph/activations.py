"""Activation functions as ONNX nodes, left unfused: fusing them is the platform's business."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from opscope.graph.network import Network, Tensor


class Activation(StrEnum):
    """What may follow an operator."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"
    LEAKY_RELU = "leaky_relu"
    SIGMOID = "sigmoid"
    HARD_SIGMOID = "hard_sigmoid"
    HARD_SWISH = "hard_swish"
    SWISH = "swish"
    GELU = "gelu"


def activate(net: Network, x: Tensor, activation: Activation) -> Tensor:
    """Add the nodes of ``activation`` after ``x``; the shape stays."""
    if activation is Activation.NONE:
        return x
    return _BUILDERS[activation](net, x)


def _simple(operator: str, **attributes: Any) -> Callable[[Network, Tensor], Tensor]:
    def build(net: Network, x: Tensor) -> Tensor:
        return net.node(operator, [x.name], x.shape, **attributes)

    return build


def _relu6(net: Network, x: Tensor) -> Tensor:
    return net.node("Clip", [x.name, net.constant(0.0), net.constant(6.0)], x.shape)


def _swish(net: Network, x: Tensor) -> Tensor:
    gate = net.node("Sigmoid", [x.name], x.shape)
    return net.node("Mul", [x.name, gate.name], x.shape)


_BUILDERS: dict[Activation, Callable[[Network, Tensor], Tensor]] = {
    Activation.RELU: _simple("Relu"),
    Activation.RELU6: _relu6,
    Activation.LEAKY_RELU: _simple("LeakyRelu", alpha=0.1),
    Activation.SIGMOID: _simple("Sigmoid"),
    Activation.HARD_SIGMOID: _simple("HardSigmoid", alpha=1 / 6, beta=0.5),
    Activation.HARD_SWISH: _simple("HardSwish"),
    Activation.SWISH: _swish,
    Activation.GELU: _simple("Gelu"),
}
