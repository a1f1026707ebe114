"""Operations per element: the table of activations and other element-wise operators.

A formula's operations are weighed as in the Livermore kernels (McMahon, 1986): addition,
multiplication, comparison 1; division, square root 4; exponential and other functions 8. The
behaviour study (Sec. 4.3, Fig. 7) orders ReLU < ReLU6 < HardSwish < Sigmoid < Swish, which needs an
exponential to weigh more than 1; the figure's own weights are not legible.
"""

from __future__ import annotations

from collections.abc import Mapping

SIMPLE = 1
DIVISION = 4
FUNCTION = 8

SIGMOID = SIMPLE + FUNCTION + SIMPLE + DIVISION
"""1 / (1 + exp(-x))."""

TANH = SIMPLE + FUNCTION + SIMPLE + SIMPLE + DIVISION
"""(1 - exp(-2x)) / (1 + exp(-2x)), its exponential taken once."""

POWER = 2 * FUNCTION + SIMPLE
"""exp(y · log(x))."""

_SOFTPLUS = FUNCTION + SIMPLE + FUNCTION

OPS_PER_ELEMENT: Mapping[str, int] = {
    # activations
    "Relu": SIMPLE,  # max(x, 0)
    "Clip": 2 * SIMPLE,  # min(max(x, 0), 6)
    "LeakyRelu": 2 * SIMPLE,  # x > 0 ? x : a·x
    "PRelu": 2 * SIMPLE,
    "ThresholdedRelu": SIMPLE,
    "HardSigmoid": 4 * SIMPLE,  # min(max(a·x + b, 0), 1)
    "HardSwish": 5 * SIMPLE,  # x · min(max(x + 3, 0), 6) · 1/6
    "Sigmoid": SIGMOID,
    "Swish": SIGMOID + SIMPLE,  # x · sigmoid(x); as nodes, Sigmoid and Mul
    "Tanh": TANH,
    "Gelu": FUNCTION + 4 * SIMPLE,  # x · 0.5 · (1 + erf(x · 0.7…))
    "Softplus": _SOFTPLUS,  # log(1 + exp(x))
    "Softsign": 2 * SIMPLE + DIVISION,  # x / (1 + |x|)
    "Mish": _SOFTPLUS + TANH + SIMPLE,
    "Elu": FUNCTION + 3 * SIMPLE,  # x > 0 ? x : a·(exp(x) - 1)
    "Celu": FUNCTION + 4 * SIMPLE,
    "Selu": FUNCTION + 4 * SIMPLE,
    "Softmax": 3 * SIMPLE + FUNCTION + DIVISION,  # maximum, difference, exp, sum, quotient
    "LogSoftmax": 4 * SIMPLE + FUNCTION,
    # normalisations, of statistics known (two operations) or taken from the tensor
    "BatchNormalization": 2 * SIMPLE,  # a·x + b
    "LayerNormalization": 7 * SIMPLE,  # sum; difference, square, sum; three more to scale and shift
    "InstanceNormalization": 7 * SIMPLE,
    "GroupNormalization": 7 * SIMPLE,
    "RMSNormalization": 4 * SIMPLE,
    # arithmetic
    **dict.fromkeys(("Add", "Sub", "Mul", "Neg", "Abs", "Sign"), SIMPLE),
    **dict.fromkeys(("Floor", "Ceil", "Round", "Cast", "Where", "Mod"), SIMPLE),
    **dict.fromkeys(("And", "Or", "Xor", "Not", "IsNaN", "IsInf"), SIMPLE),
    **dict.fromkeys(("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"), SIMPLE),
    "CumSum": SIMPLE,
    **dict.fromkeys(("Div", "Reciprocal", "Sqrt"), DIVISION),
    **dict.fromkeys(("Exp", "Log", "Erf", "Sin", "Cos", "Tan"), FUNCTION),
    **dict.fromkeys(("Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"), FUNCTION),
    "Pow": POWER,
    # number formats
    "QuantizeLinear": 5 * SIMPLE,  # scale, round, shift, two bounds
    "DequantizeLinear": 2 * SIMPLE,  # shift, scale
    "DynamicQuantizeLinear": 7 * SIMPLE,  # the range first
}
"""Operations per element of the output, by ONNX operator."""

REQUANTISE = OPS_PER_ELEMENT["QuantizeLinear"]
"""Operations per output by which an integer operator returns from 32 to 8 bits."""
