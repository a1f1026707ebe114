"""Damaged and hostile model files from a seed, and a watch over what reading them touches."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from opscope.errors import OpscopeError
from opscope.graph.importers import import_model
from opscope.testing.models import small_network, small_tflite

KINDS = ("onnx", "external", "tflite")
"""What is damaged: an ONNX file, one with its weights beside it, a TFLite file."""

_NUMBERS = (0, 1, -1, 2, 3, 7, 2**15, 2**31 - 1, 2**31, 2**60, 2**63 - 1, -(2**63))
_TEXTS = ("", "x", "image", "w0", "c0", "Conv", "Relu", "../w", "/etc/passwd", "a\0b", "é" * 300)
_WATCHED = ("open", "os.", "shutil.", "socket.", "subprocess.", "ctypes.", "pickle.", "exec")


class Trespass(AssertionError):  # noqa: N818 - it states an event, not a fault of the caller
    """A file outside the model's folder, a process, a socket or a pickle was touched."""


@cache
def originals() -> dict[str, bytes]:
    """Return the sound files that are damaged, by kind."""
    sound = small_network().SerializeToString()
    beside = small_network()
    offset = 0
    for tensor in beside.graph.initializer:
        entries = {"location": "weights.bin", "offset": offset, "length": len(tensor.raw_data)}
        offset += len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
    return {"onnx": sound, "external": beside.SerializeToString(), "tflite": small_tflite()}


def mutation(kind: str, seed: int) -> bytes:
    """Return a damaged file: some of its bytes changed, or some fields of what they encode."""
    stream = np.random.default_rng([seed, KINDS.index(kind)])
    data = originals()[kind]
    if kind != "tflite" and stream.random() < 0.6:
        model = onnx.ModelProto.FromString(data)
        for _ in range(stream.integers(1, 4)):
            _change_field(model, stream)
        return bytes(model.SerializeToString())
    return damage(data, stream)


def damage(data: bytes, stream: np.random.Generator) -> bytes:
    """Return ``data`` with a few of its bytes changed, dropped, repeated or cut off."""
    for _ in range(stream.integers(1, 6)):
        data = _change_bytes(data, stream) if data else data
    return data


def prepare(folder: Path) -> None:
    """Lay out the folder, and let everything that is imported late be imported unwatched."""
    (folder / "weights.bin").write_bytes(bytes(4096))
    for kind, data in originals().items():
        assert _read(data, kind, folder) == "imported"


def read_watched(data: bytes, kind: str, folder: Path) -> str:
    """Import a file from ``folder`` and say how it ended: ``imported`` or the refusal.

    Raises:
        Trespass: If anything outside the folder was touched.
    """
    with watch(folder):
        return _read(data, kind, folder)


def _read(data: bytes, kind: str, folder: Path) -> str:
    path = folder / f"model.{'tflite' if kind == 'tflite' else 'onnx'}"
    path.write_bytes(data)
    try:
        graph = import_model(path)
        graph.materialise(0)
        graph.draw_inputs(0)
    except OpscopeError as exc:
        return str(exc)
    return "imported"


_watching = threading.local()


@contextlib.contextmanager
def watch(folder: Path) -> Iterator[None]:
    """Raise `Trespass` if this thread opens or changes a file outside ``folder`` meanwhile."""
    _install()
    _watching.folder = os.path.realpath(folder)
    try:
        yield
    finally:
        _watching.folder = ""
    if events := getattr(_watching, "events", []):
        _watching.events = []
        raise Trespass("; ".join(events[:5]))


@cache
def _install() -> None:
    """Install the audit hook, which no process can take out again."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    folder = getattr(_watching, "folder", "")
    if not folder or not event.startswith(_WATCHED):
        return
    if event in {"open", "os.listdir", "os.scandir"} and arguments:
        path = os.path.realpath(os.fsdecode(os.fspath(str(arguments[0]))))
        if path.startswith(folder) or isinstance(arguments[0], int):
            return
    _watching.events = [*getattr(_watching, "events", []), f"{event} {arguments!r}"]


def _change_bytes(data: bytes, stream: np.random.Generator) -> bytes:
    at = int(stream.integers(0, len(data)))
    length = int(stream.integers(1, 64))
    piece = data[at : at + length]
    match stream.integers(0, 6):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << int(stream.integers(0, 8))]) + data[at + 1 :]
        case 1:
            return data[:at] + stream.bytes(length) + data[at + length :]
        case 2:
            return data[:at] + data[at + length :]
        case 3:
            return data[:at] + piece * int(stream.integers(2, 50)) + data[at:]
        case 4:
            number = int(stream.choice(_NUMBERS[:8])) % 2**32
            return data[: at & ~3] + number.to_bytes(4, "little") + data[(at & ~3) + 4 :]
        case _:
            return data[:at] + (b"" if stream.random() < 0.2 else b"\xff" * 4 + data[at + 4 :])


def _change_field(model: onnx.ModelProto, stream: np.random.Generator) -> None:
    change = _CHANGES[stream.integers(0, len(_CHANGES))]
    number = int(_NUMBERS[stream.integers(0, len(_NUMBERS))])
    text = _TEXTS[stream.integers(0, len(_TEXTS))]
    change(model, stream, number, text)


def _change_node(
    model: onnx.ModelProto, stream: np.random.Generator, number: int, text: str
) -> None:
    node = model.graph.node[stream.integers(0, len(model.graph.node))]
    match stream.integers(0, 4):
        case 0:
            node.op_type = str(stream.choice(_OPERATORS))
        case 1:
            _set_item(node.input, text, stream)
        case 2:
            _set_item(node.output, text, stream)
        case _:
            name = str(stream.choice(_ATTRIBUTES))
            value = number if stream.random() < 0.5 else [number] * int(stream.integers(0, 6))
            node.attribute.append(onnx.helper.make_attribute(name, value, attr_type=_type(value)))


def _change_tensor(
    model: onnx.ModelProto, stream: np.random.Generator, number: int, text: str
) -> None:
    tensor = model.graph.initializer[stream.integers(0, len(model.graph.initializer))]
    match stream.integers(0, 4):
        case 0:
            _set_item(tensor.dims, number, stream)
        case 1:
            tensor.data_type = int(stream.integers(0, 26))
        case 2:
            tensor.name = text
        case _:
            _change_external(tensor, text, number, stream)


def _change_frame(
    model: onnx.ModelProto, stream: np.random.Generator, number: int, text: str
) -> None:
    dims = model.graph.input[0].type.tensor_type.shape.dim
    match stream.integers(0, 4):
        case 0:
            dims[stream.integers(0, len(dims))].dim_value = number
        case 1:
            model.opset_import[0].version = int(stream.integers(-1, 30))
        case 2:
            model.graph.output[0].name = text
        case _:
            nodes = model.graph.node
            first, second = (int(stream.integers(0, len(nodes))) for _ in range(2))
            nodes[first].CopyFrom(nodes[second])


_CHANGES = (_change_node, _change_node, _change_tensor, _change_frame)
_ATTRIBUTES = ("strides", "pads", "group", "dilations", "axis", "to", "kernel_shape", "perm")
_OPERATORS = (
    *("Conv", "Reshape", "Gemm", "Concat", "Expand", "Tile", "Split", "Einsum", "LSTM", "Loop"),
    *("ConstantOfShape", "Range", "Resize", "Pad", "MaxPool", "ScatterND", "DepthToSpace"),
    *(
        "Transpose",
        "SequenceAt",
        "QLinearConv",
        "OneHot",
        "TopK",
        "Slice",
        "Unknown",
        "ConvInteger",
    ),
)


def _type(value: int | list[int]) -> int:
    kinds = onnx.AttributeProto
    return int(kinds.INT if isinstance(value, int) else kinds.INTS)


def _set_item(values: Any, value: object, stream: np.random.Generator) -> None:
    if len(values):
        values[int(stream.integers(0, len(values)))] = value


def _change_external(
    tensor: onnx.TensorProto, text: str, number: int, stream: np.random.Generator
) -> None:
    if not tensor.external_data:
        tensor.raw_data = tensor.raw_data[: max(0, number % 64)]
        return
    entry = tensor.external_data[stream.integers(0, len(tensor.external_data))]
    entry.value = text if entry.key == "location" else str(number)
