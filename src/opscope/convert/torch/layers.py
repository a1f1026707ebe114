"""Operators with weights: convolution, fully connected, GRU, normalisation."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from torch import nn

from opscope.convert.torch.construction import Construction, Convert, Step, Value
from opscope.convert.torch.windows import around, paddings

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}

WORKING = {
    "Conv": tuple(_CONVOLUTIONS.values()),
    "Gemm": (nn.Linear,),
    "MatMul": (torch.matmul,),
    "GRU": (nn.GRU,),
}
"""Operators with MACs, and the modules or functions that they become."""


def is_one_of(module: Any, node: Any, kinds: tuple[Any, ...]) -> bool:
    """Whether a node of the fx graph calls a module or function of ``kinds``."""
    if node.op == "call_module":
        return type(module.get_submodule(node.target)) in kinds
    return node.op == "call_function" and node.target in kinds


def _conv(construction: Construction, step: Step) -> Value:
    """Zeros that differ between the two ends of an axis are padded on by themselves."""
    arrays = _arrays(construction, step, "weight", "bias")
    cout, cin, *kernel = arrays["weight"].shape
    rank, groups = len(kernel), step.get("group", 1)
    before, after = paddings(step, rank)
    x = construction.value(step.inputs[0])
    if before != after:
        x = construction.call(step, nn.functional.pad, x, around(before, after))
        before = [0] * rank
    layer = _bare(
        _CONVOLUTIONS[rank],
        *(cin * groups, cout, tuple(kernel)),
        stride=tuple(step.get("strides") or [1] * rank),
        padding=tuple(before),
        dilation=tuple(step.get("dilations") or [1] * rank),
        groups=groups,
        bias="bias" in arrays,
    )
    return construction.add(step, _filled(layer, arrays), x)


def _gemm(construction: Construction, step: Step) -> Value:
    if step.get("transA", 0) or not construction.is_constant(step.inputs[1]):
        raise step.refuse("only an input times weights is a Linear")
    arrays = _arrays(construction, step, "weight", "bias")
    if not step.get("transB", 0):
        arrays["weight"] = np.ascontiguousarray(arrays["weight"].T)
    arrays["weight"] *= np.float32(step.get("alpha", 1.0))
    cout, cin = arrays["weight"].shape
    if "bias" in arrays:
        bias = arrays["bias"] * np.float32(step.get("beta", 1.0))
        arrays["bias"] = np.array(np.broadcast_to(bias.reshape(-1), (cout,)))
    layer = _bare(nn.Linear, cin, cout, bias="bias" in arrays)
    return construction.add(step, _filled(layer, arrays), construction.value(step.inputs[0]))


def _matmul(construction: Construction, step: Step) -> Value:
    return construction.call(step, torch.matmul, *map(construction.value, step.inputs))


def _batch_norm(construction: Construction, step: Step) -> Value:
    arrays = _arrays(construction, step, "weight", "bias", "running_mean", "running_var")
    channels, rank = len(arrays["weight"]), len(construction.shape(step.inputs[0]))
    if rank not in _NORMS:
        raise step.refuse(f"there is no BatchNorm of {rank} axes")
    layer = _bare(_NORMS[rank], channels, eps=step.get("epsilon", 1e-5))
    counted = {**arrays, "num_batches_tracked": np.array(0)}
    return construction.add(step, _filled(layer, counted), construction.value(step.inputs[0]))


def _gru(construction: Construction, step: Step) -> list[Value]:
    """PyTorch yields (T, N, ways · hidden); ONNX keeps the ways apart: (T, ways, N, hidden)."""
    direction = step.get("direction", "forward")
    plain = not step.get("layout", 0) and not step.has(4) and not step.get("activations")
    if not plain or direction == "reverse" or not step.get("linear_before_reset", 0):
        raise step.refuse("only the GRU of PyTorch itself: forwards or both ways, reset after")
    steps, batch, cin = construction.shape(step.inputs[0])
    hidden, ways = step.get("hidden_size"), 1 + (direction == "bidirectional")
    given = _arrays(construction, step, "weight_ih", "weight_hh", "bias")
    gates = [1, 0, 2]  # PyTorch: reset, update, new; ONNX: update, reset, new
    arrays: dict[str, np.ndarray] = {}
    for way, suffix in enumerate(["_l0", "_l0_reverse"][:ways]):
        parts = {name: given[name][way] for name in ("weight_ih", "weight_hh")}
        if "bias" in given:
            parts |= zip(("bias_ih", "bias_hh"), np.split(given["bias"][way], 2), strict=True)
        for name, values in parts.items():
            ordered = values.reshape(3, hidden, -1)[gates]
            arrays[name + suffix] = np.array(ordered.reshape(values.shape))
    layer = _bare(nn.GRU, cin, hidden, bidirectional=ways > 1, bias="bias" in given)
    both = construction.add(step, _filled(layer, arrays), construction.value(step.inputs[0]))
    outputs = []
    for number, name in enumerate(step.outputs):
        value = name and construction.call(step, operator.getitem, both, number)
        if name and number == 0:
            apart = construction.call(step, torch.reshape, value, (steps, batch, ways, hidden))
            value = construction.call(step, torch.transpose, apart, 1, 2)
        outputs.append(value)
    return outputs


def _arrays(construction: Construction, step: Step, *roles: str) -> dict[str, np.ndarray]:
    """Return the weights of a step's inputs after the first, by role, as far as they are given."""
    given = [(role, step.inputs[n]) for n, role in enumerate(roles, 1) if step.has(n)]
    for _, name in given:
        if not construction.is_constant(name):
            raise step.refuse(f"its weights {name} are computed at run time")
    return {role: construction.array(name) for role, name in given}


def _bare(kind: Any, *sizes: Any, **options: Any) -> Any:
    """Return a layer whose weights take no memory yet, nor the time to initialise them."""
    with torch.device("meta"):
        return kind(*sizes, **options)


def _filled(layer: Any, arrays: dict[str, np.ndarray]) -> Any:
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    layer.load_state_dict(state, assign=True)
    return layer


OPERATORS: dict[str, Convert] = {
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "GRU": _gru,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
