"""From a TFLite file to a source: operator by operator, each by the handler registered for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import onnx
from onnx import helper

from opscope.errors import ConfigurationError
from opscope.graph.importers.files import read_model
from opscope.graph.importers.onnx_file import source_of
from opscope.graph.importers.source import Source
from opscope.graph.importers.tflite import arithmetic, layers, rearranging, windows
from opscope.graph.importers.tflite.builder import Builder
from opscope.graph.importers.tflite.reader import (
    TFLITE_ERRORS,
    TfModel,
    TfOperator,
    parse_tflite,
)

OPSET = 20
IR_VERSION = 10

HANDLERS: Mapping[str, Callable[[Builder, TfOperator], None]] = {
    **arithmetic.HANDLERS,
    **layers.HANDLERS,
    **rearranging.HANDLERS,
    **windows.HANDLERS,
}
"""What adds the ONNX nodes of an operator, by the operator's name in the schema."""


def read_tflite(path: Path) -> Source:
    """Return the model of a TFLite file, its inputs and outputs in TFLite's layout.

    Raises:
        ConfigurationError: If the file is damaged or hostile, or uses an operator that has no
            counterpart here; it names the node and the operator.
        PlatformUnavailable: If the package with the schema is missing.
    """
    data = read_model(path)
    return source_of(convert(parse_tflite(data), len(data)), folder=None, data=data)


def convert(model: TfModel, size: int) -> onnx.ModelProto:
    """Return the ONNX model that computes what a TFLite model does.

    Args:
        model: The parsed file.
        size: Bytes of the file, beyond which its constants may only grow so much.

    Raises:
        ConfigurationError: Naming the node and operator at fault.
    """
    builder = Builder(model, size)
    inputs = [builder.start(index) for index in model.inputs]
    for operator in model.operators:
        _convert(builder, operator)
    builder.operator = None
    outputs = _outputs(builder)
    graph = helper.make_graph(builder.nodes, "tflite", inputs, outputs, builder.constants)
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def _convert(builder: Builder, operator: TfOperator) -> None:
    handler = HANDLERS.get(operator.name)
    if handler is None:
        raise ConfigurationError(
            f"operator {operator.name!r} is unknown or not supported",
            where=operator.where,
            remedy="Export the model with TFLite's built-in operators for networks on images.",
        )
    builder.operator = operator
    try:
        handler(builder, operator)
    except ConfigurationError as exc:
        raise exc.at(operator.where) from exc
    except TFLITE_ERRORS as exc:
        raise ConfigurationError(
            f"its tensors or options do not go together: {exc}",
            where=operator.where,
            remedy="The file is damaged: copy or export it again.",
        ) from exc


def _outputs(builder: Builder) -> list[onnx.ValueInfoProto]:
    """Name the model's outputs as the file does, in the nodes that produce them."""
    makers = {name: node for node in builder.nodes for name in node.output}
    renamed: dict[str, str] = {}
    outputs = []
    for index in builder.model.outputs:
        value, tensor = builder.finish(index)
        makers |= {name: node for node in builder.nodes[-1:] for name in node.output}
        if value in renamed or value not in makers:
            value = builder.node("Identity", [renamed.get(value, value)])
        renamed[value] = builder.name(tensor.name)
        outputs.append(helper.make_tensor_value_info(renamed[value], tensor.data_type, None))
    for node in builder.nodes:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    return outputs
