"""Operators on single elements: activations, sums and products, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from opscope.convert.torch.construction import Construction, Convert, Step, Value

_RELU6 = (0.0, 6.0)


def is_usual(step: Step) -> bool:
    """Whether a HardSigmoid has the slope that PyTorch's own has."""
    slope, offset = step.get("alpha", 0.2), step.get("beta", 0.5)
    return math.isclose(slope, 1 / 6, rel_tol=1e-6) and math.isclose(offset, 0.5)


def _module(make: Callable[[Step], Any]) -> Convert:
    """Return what makes a module of one input."""
    return lambda construction, step: construction.add(
        step, make(step), construction.value(step.inputs[0])
    )


def _function(function: Callable[..., Any]) -> Convert:
    """Return what calls a function of all inputs."""
    return lambda construction, step: construction.call(
        step, function, *map(construction.value, step.inputs)
    )


def _clip(construction: Construction, step: Step) -> Value:
    for number in (1, 2):
        if step.has(number) and not construction.is_constant(step.inputs[number]):
            raise step.refuse("its bounds are computed at run time")
    low, high = (
        float(construction.array(step.inputs[number])) if step.has(number) else default
        for number, default in ((1, -math.inf), (2, math.inf))
    )
    x = construction.value(step.inputs[0])
    if (low, high) == _RELU6:
        return construction.add(step, nn.ReLU6(), x)
    if (low, high) == (0.0, math.inf):
        return construction.add(step, nn.ReLU(), x)
    return construction.call(step, torch.clamp, x, low, high)


def _hard_sigmoid(construction: Construction, step: Step) -> Value:
    x = construction.value(step.inputs[0])
    if is_usual(step):
        return construction.add(step, nn.Hardsigmoid(), x)
    scaled = construction.call(step, torch.mul, x, step.get("alpha", 0.2))
    moved = construction.call(step, torch.add, scaled, step.get("beta", 0.5))
    return construction.call(step, torch.clamp, moved, 0.0, 1.0)


OPERATORS: dict[str, Convert] = {
    "Abs": _function(torch.abs),
    "Add": _function(torch.add),
    "Clip": _clip,
    "Div": _function(torch.div),
    "Elu": _module(lambda step: nn.ELU(step.get("alpha", 1.0))),
    "Erf": _function(torch.erf),
    "Exp": _function(torch.exp),
    "Gelu": _module(lambda step: nn.GELU(step.get("approximate", "none"))),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _module(lambda _: nn.Hardswish()),
    "Identity": _module(lambda _: nn.Identity()),
    "LeakyRelu": _module(lambda step: nn.LeakyReLU(step.get("alpha", 0.01))),
    "Log": _function(torch.log),
    "Mul": _function(torch.mul),
    "Neg": _function(torch.neg),
    "Pow": _function(torch.pow),
    "Reciprocal": _function(torch.reciprocal),
    "Relu": _module(lambda _: nn.ReLU()),
    "Sigmoid": _module(lambda _: nn.Sigmoid()),
    "Softmax": _module(lambda step: nn.Softmax(step.get("axis", -1))),
    "Softplus": _module(lambda _: nn.Softplus()),
    "Sqrt": _function(torch.sqrt),
    "Sub": _function(torch.sub),
    "Swish": _module(lambda _: nn.SiLU()),
    "Tanh": _module(lambda _: nn.Tanh()),
}
