"""ncnn's form of ONNX graphs, made by pnnx: layers as text, and their weights."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from opscope.convert.files import kept, written
from opscope.convert.tools import failure, run_tool
from opscope.core.configuration import Precision
from opscope.core.record import Record
from opscope.graph import Graph

_TAKES = re.compile(r"ncnn\.Mat\(in\d+\.numpy\(\), batch_index=(\d+)\)")
_YIELDS = re.compile(r"out\d+\.numpy\(batch_index=(\d+)\)")


class Layer(Record, frozen=True, kw_only=True):
    """One line of ncnn's text.

    Attributes:
        takes: Names of the tensors that it takes.
        yields: Names of the tensors that it yields.
        settings: What else stands in the line, by number.
    """

    kind: str
    name: str
    takes: tuple[str, ...]
    yields: tuple[str, ...]
    settings: dict[str, str]


class NcnnModel(Record, frozen=True, kw_only=True):
    """A graph as ncnn loads it; its inputs are ``in0`` …, its outputs ``out0`` ….

    Attributes:
        text: The layers.
        weights: Their weights.
        inputs: For each input which of its axes is the batch, as ncnn counts them.
        outputs: Likewise of the outputs.
    """

    text: str
    weights: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers in the order of execution."""
        return tuple(_layer(line.split()) for line in self.text.splitlines()[2:])


@kept
def ncnn_model(graph: Graph, seed: int, precision: Precision) -> NcnnModel:
    """Return the graph in ncnn's form, weights drawn from ``seed`` and kept in FP32.

    Raises:
        PlatformError: If pnnx fails; what it has no form of it leaves for ncnn to refuse.
    """
    assert precision is Precision.FP32  # noqa: S101 - the one it has, though `kept` asks for one
    shapes = ",".join(str(list(tensor.shape)).replace(" ", "") for tensor in graph.inputs)
    with written(graph, seed) as source:
        command = (executable(), source.name, f"inputshape={shapes}", "fp16=0")
        said = run_tool("pnnx", command, source.parent)
        layers, weights, script = (
            source.with_name(name)
            for name in ("model.ncnn.param", "model.ncnn.bin", "model_ncnn.py")
        )
        if not (layers.exists() and weights.exists() and script.exists()):
            raise failure("pnnx", said)
        # Only the script that shows how to use the result says where the batch lies.
        usage = script.read_text(encoding="utf-8")
        return NcnnModel(
            text=layers.read_text(encoding="utf-8"),
            weights=weights.read_bytes(),
            inputs=tuple(int(axis) for axis in _TAKES.findall(usage)),
            outputs=tuple(int(axis) for axis in _YIELDS.findall(usage)),
        )


def executable() -> Path:
    """Return where pnnx should lie; its Python package would import PyTorch, it needs none."""
    spec = importlib.util.find_spec("pnnx")
    places = spec.submodule_search_locations if spec else None
    return Path(*(places or ())[:1], "pnnx")


def _layer(words: list[str]) -> Layer:
    kind, name, takes, yields = words[0], words[1], int(words[2]), int(words[3])
    rest = words[4:]
    return Layer(
        kind=kind,
        name=name,
        takes=tuple(rest[:takes]),
        yields=tuple(rest[takes : takes + yields]),
        settings=dict(word.split("=", 1) for word in rest[takes + yields :] if "=" in word),
    )
