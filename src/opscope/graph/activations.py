"""Activation functions: their names, and which ONNX operator stands for each that has one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


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


NODES: Mapping[Activation, tuple[str, Mapping[str, Any]]] = {
    Activation.RELU: ("Relu", {}),
    Activation.LEAKY_RELU: ("LeakyRelu", {"alpha": 0.1}),
    Activation.SIGMOID: ("Sigmoid", {}),
    Activation.HARD_SIGMOID: ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    Activation.HARD_SWISH: ("HardSwish", {}),
    Activation.GELU: ("Gelu", {}),
}
"""Activations that are one ONNX node: its operator and attributes. The others are composed."""
