"""What TensorRT built and how long each layer takes, as its inspector and its profiler tell."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from opscope.platforms.execution import Seen, undisturbed

_CARRYING = {
    *("cast", "constant", "copy", "gather", "move", "noop", "reformat", "reshape", "shuffle"),
    *("signal", "slice", "squeeze", "transpose", "unsqueeze", "wait"),
}
"""Types of layers that compute nothing."""

_SOURCES = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
_JOINED = " + "

_TYPES = ("DataType", "Datatype", "Format/Datatype", "Format/DataType", "Format")
"""Where the number format of a tensor stands; which of them do depends on TensorRT's version."""

_FORMATS = (
    (re.compile(r"bf16|bfloat16", re.IGNORECASE), "bf16"),
    (re.compile(r"fp16|half|float16", re.IGNORECASE), "f16"),
    (re.compile(r"fp8|float8", re.IGNORECASE), "f8"),
    (re.compile(r"u?int8", re.IGNORECASE), "i8"),
    (re.compile(r"fp32|float", re.IGNORECASE), "f32"),
)
"""Number formats as the inspector spells them: ``Half``, ``Row major linear FP16 format``."""


def seen(information: str, times_s: Mapping[str, float]) -> list[Seen]:
    """Return the layers of an engine, in the order that they run in.

    Args:
        information: What the engine inspector says of an engine in JSON.
        times_s: Times of layers by name, where taken.
    """
    layers = json.loads(information)["Layers"]
    return [
        _step({"Name": layer} if isinstance(layer, str) else layer, times_s) for layer in layers
    ]


def _step(layer: Mapping[str, Any], times_s: Mapping[str, float]) -> Seen:
    name, kind = layer["Name"], layer.get("LayerType", "")
    names = _SOURCES.findall(layer.get("Metadata", "")) or name.split(_JOINED)
    return Seen(
        name=name,
        kind=kind,
        names=tuple(names),
        takes=_tensors(layer, "Inputs"),
        yields=_tensors(layer, "Outputs"),
        added=kind == "Reformat" and not layer.get("Metadata"),
        format=_format(layer),
        time_s=times_s.get(name),
    )


def _tensors(layer: Mapping[str, Any], which: str) -> tuple[str, ...]:
    return tuple(tensor["Name"] for tensor in layer.get(which, ()))


def _format(layer: Mapping[str, Any]) -> str:
    """Return what a layer computes in: its weights' format, or else that of what it takes.

    FP32 tensors may be multiplied in TF32, which only the kernel's name tells.
    """
    if layer.get("LayerType", "").lower() in _CARRYING:
        return ""
    weights = layer.get("Weights")
    told = [weights.get("Type", "")] if isinstance(weights, Mapping) else []
    told += [_type(tensor) for which in ("Inputs", "Outputs") for tensor in layer.get(which, ())]
    found = next((name for name in map(_spelt, told) if name), "")
    return "tf32" if found == "f32" and "tf32" in layer.get("TacticName", "") else found


def _type(tensor: Mapping[str, Any]) -> str:
    return next((str(tensor[key]) for key in _TYPES if key in tensor), "")


def _spelt(type_: str) -> str:
    return next((name for pattern, name in _FORMATS if pattern.search(type_)), "")


class Times:
    """Durations of layers by name, call after call."""

    def __init__(self) -> None:
        self._taken_s: dict[str, list[float]] = defaultdict(list)

    def note(self, layer: str, milliseconds: float) -> None:
        """Note how long a layer took this time."""
        self._taken_s[layer].append(milliseconds / 1e3)

    def times_s(self) -> dict[str, float]:
        """Return each layer's undisturbed time."""
        found = {layer: undisturbed(taken) for layer, taken in self._taken_s.items()}
        return {layer: time_s for layer, time_s in found.items() if time_s is not None}
