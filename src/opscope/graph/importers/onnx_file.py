"""ONNX files: read, held against their limits, and made a source. Nothing in them is executed."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, Message

from opscope.errors import ConfigurationError
from opscope.graph.importers.checks import check_model
from opscope.graph.importers.files import check_spans, digest_of, read_model
from opscope.graph.importers.functions import inline_functions
from opscope.graph.importers.source import Source, make_source
from opscope.graph.importers.tensors import constant_nodes_to_tensors, read_payload
from opscope.graph.importers.wire import check_structure

_CONTENTS = {"raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data"}


def read_onnx(path: Path) -> Source:
    """Return the model of an ONNX file, its weights in the file or beside it.

    Raises:
        ConfigurationError: If the file is damaged, hostile, or needs what opscope does not have;
            it names the node and operator, or the weights, at fault.
    """
    data = read_model(path)
    check_structure(data)
    return source_of(parse(data), folder=path.parent, data=data)


def source_of(model: onnx.ModelProto, *, folder: Path | None, data: bytes) -> Source:
    """Return the source for a parsed model; without ``folder`` its weights must be in it.

    Raises:
        ConfigurationError: As `read_onnx`.
    """
    check_model(model)
    model = inline_functions(model)
    constant_nodes_to_tensors(model.graph)
    payloads = {tensor.name: read_payload(tensor, folder) for tensor in model.graph.initializer}
    check_spans(payloads)
    return make_source(model, payloads, digest_of(data, payloads))


def parse(data: bytes) -> onnx.ModelProto:
    """Return the ONNX model that ``data`` serialises.

    Raises:
        ConfigurationError: If it serialises none.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError) as exc:
        raise ConfigurationError(
            "not an ONNX model, or cut short or damaged", remedy="Copy or export the file again."
        ) from exc
    _check_texts(model)
    return model


def _check_texts(message: Message) -> None:
    """Refuse names that are no text, which the format allows and nothing that follows expects."""
    for field, value in message.ListFields():
        if field.name in _CONTENTS:
            continue
        if field.type == field.TYPE_STRING:
            for text in (value,) if isinstance(value, str | bytes) else value:
                if isinstance(text, bytes):
                    raise ConfigurationError(
                        f"its {field.name} {text[:100]!r} is not text",
                        remedy="The file is damaged: copy or export it again.",
                    )
        elif field.type == field.TYPE_MESSAGE:
            for part in (value,) if isinstance(value, Message) else value:
                _check_texts(part)
