"""What onnxruntime ran: its profile and its optimised graph, read from files it writes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import onnx

from opscope.graph import Graph
from opscope.platforms.base import ExecutedNode
from opscope.platforms.execution import Seen, attribute, undisturbed

_LAYOUT = ("ReorderInput", "ReorderOutput")
_NO_ARITHMETIC = (*_LAYOUT, "QuantizeLinear", "DequantizeLinear", "Cast", "Reshape", "Transpose")
_FORMATS = {"float": "f32", "float16": "f16", "uint8": "i8", "int8": "i8"}
_TIMED = "_kernel_time"


class Profile:
    """A session's profile, in a private folder that goes when the session does."""

    def __init__(self, graph: Graph, settings: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="opscope-profile-")
        self._graph = graph
        self._nodes: tuple[ExecutedNode, ...] | None = None
        settings.enable_profiling = True
        settings.profile_file_prefix = str(self._path / "profile")
        settings.optimized_model_filepath = str(self._path / "optimised.onnx")
        settings.add_session_config_entry(
            "session.optimized_model_external_initializers_file_name", "weights"
        )

    def read(self, session: Any) -> tuple[ExecutedNode, ...]:
        """End the profile and return what it holds; later calls return the same."""
        if self._nodes is None:
            events = json.loads(Path(session.end_profiling()).read_text())
            steps = _timed(event for event in events if event.get("cat") == "Node")
            optimised = onnx.load(self._path / "optimised.onnx", load_external_data=False)
            self._nodes = attribute(self._graph, _seen(self._graph, steps, optimised))
        return self._nodes

    def remove(self) -> None:
        """Remove its folder."""
        self._folder.cleanup()

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)


def _timed(events: Iterable[dict[str, Any]]) -> list[Seen]:
    """Return the nodes in the order in which they first ran, each with its undisturbed time."""
    said: dict[str, dict[str, Any]] = {}
    times: dict[str, list[float]] = {}
    for event in events:
        if event["name"].endswith(_TIMED):
            name = event["name"].removesuffix(_TIMED)
            said[name] = event["args"]
            times.setdefault(name, []).append(event["dur"] / 1e6)
    return [
        Seen(
            name=name,
            kind=arguments["op_name"],
            format=_format(arguments),
            device=arguments.get("provider", "").removesuffix("ExecutionProvider"),
            time_s=undisturbed(times[name]),
        )
        for name, arguments in said.items()
    ]


def _format(arguments: dict[str, Any]) -> str:
    """Return the format that a node computes in: 8 bits if it takes any, else its first tensor's.

    Kernels of several 8-bit tensors take a scale before these.
    """
    if arguments["op_name"] in _NO_ARITHMETIC or not arguments["input_type_shape"]:
        return ""
    formats = [_FORMATS.get(kind, "") for taken in arguments["input_type_shape"] for kind in taken]
    return "i8" if "i8" in formats else formats[0]


def _seen(graph: Graph, steps: Sequence[Seen], optimised: onnx.ModelProto) -> list[Seen]:
    """Return the steps with the names that they mention and the tensors that they pass on.

    The optimised graph is stored in the order of execution. Should a version order it otherwise,
    only names are left to go by.
    """
    model = onnx.ModelProto.FromString(graph.structure)
    makers = {tensor: node.name for node in model.graph.node for tensor in node.output}
    known = {node.name for node in model.graph.node}
    stored = optimised.graph.node
    alike = len(stored) == len(steps) and all(
        node.op_type == step.kind and node.name in (step.name, "")
        for node, step in zip(stored, steps, strict=True)
    )
    seen = []
    for number, step in enumerate(steps):
        takes = tuple(stored[number].input) if alike else ()
        yields = tuple(stored[number].output) if alike else ()
        mentioned = (_mentioned(step.name, known), *(makers.get(tensor, "") for tensor in yields))
        seen.append(
            Seen(
                name=step.name,
                kind=step.kind,
                names=tuple(dict.fromkeys(filter(None, mentioned))),
                takes=takes,
                yields=yields,
                added=step.kind in _LAYOUT,
                format=step.format,
                device=step.device,
                time_s=step.time_s,
            )
        )
    return seen


def _mentioned(name: str, known: set[str]) -> str:
    """Return the node that a name is made of: ``fused x``, ``x_nchwc``, ``x/QuickGeluFusion/``."""
    name = name.removeprefix("fused ")
    for end in range(len(name), 0, -1):
        if name[:end] in known and not name[end : end + 1].isalnum():
            return name[:end]
    return ""
