"""What OpenVINO compiled and how long each node takes, as its execution graph and profile tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opscope.platforms.execution import Seen

_NO_ARITHMETIC = {"Input", "Output", "Const", "Convert", "Reorder", "Reshape"}
"""Node types of the compiled graph that only carry data."""

_FORMATS = {"f32": "f32", "f16": "f16", "bf16": "bf16", "i8": "i8", "u8": "i8"}
"""Formats that a node computes in; others are of indices and conditions."""

_UNBIASED = "/WithoutBiases"
"""What OpenVINO adds to the name of a layer whose bias it takes off, to fuse it again."""

_SCALING = ("Convert_", "Subtract_", "Multiply_")
"""What OpenVINO calls the parts of a quantisation that it adds itself."""

_FACTS = ("layerType", "originalLayersNames", "runtimePrecision")
"""What OpenVINO says of each node of the compiled graph."""


def seen(executed: Any, times_s: Mapping[str, float]) -> list[Seen]:
    """Return the nodes of an execution graph that take part in an inference.

    Args:
        executed: A compiled model's runtime model.
        times_s: Times of nodes by name, where taken.
    """
    found: list[Seen] = []
    constant: set[str] = set()
    for node in executed.get_ordered_ops():
        name, info = node.get_friendly_name(), node.get_rt_info()
        kind, names, precision = (str(info[key].astype(str)) for key in _FACTS)
        takes = [value.get_node().get_friendly_name() for value in node.input_values()]
        if kind == "Const" or (takes and constant.issuperset(takes)):
            constant.add(name)  # computed once, when the model was compiled
        elif kind not in {"Input", "Output"}:
            found.append(
                Seen(
                    name=name,
                    kind=kind,
                    names=tuple(n.removesuffix(_UNBIASED) for n in names.split(",")),
                    takes=tuple(takes),
                    yields=(name,),
                    added=kind == "Reorder",
                    format=""
                    if _only_carries(kind, names, precision)
                    else _FORMATS.get(precision, ""),
                    time_s=times_s.get(name),
                )
            )
    return found


def _only_carries(kind: str, names: str, precision: str) -> bool:
    """Tell whether a node only moves data, or quantises what was in FP32."""
    if kind != "Subgraph" or precision != "f32":
        return kind in _NO_ARITHMETIC
    return all(name.startswith(_SCALING) or "QuantizeLinear" in name for name in names.split(","))


class Profile:
    """Times of nodes from their running averages, which are all that OpenVINO tells.

    The averages begin with the first, slow call, so the earlier half of the calls is taken off.
    They are in whole microseconds, and so is what is left, give or take two.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._averages: dict[int, dict[str, float]] = {}

    def note(self, infos: Any) -> None:
        """Note the averages after a call: the latest, and those at each power of two."""
        if self._calls & (self._calls - 1):
            del self._averages[self._calls]
        self._calls += 1
        self._averages[self._calls] = {
            info.node_name: info.real_time.total_seconds() for info in infos
        }

    def times_s(self) -> dict[str, float]:
        """Return each node's mean time over the later half of the calls, or somewhat more."""
        now = self._calls
        early = max((calls for calls in self._averages if 2 * calls <= now), default=0)
        before = self._averages.get(early, {})
        return {
            name: max(0.0, (now * average - early * before.get(name, 0.0)) / (now - early))
            for name, average in self._averages.get(now, {}).items()
        }
