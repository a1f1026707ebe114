"""Source: a model as read, and the graph that it becomes once its inputs are declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import onnx
from google.protobuf.message import Message
from onnx import helper

from opscope.core.record import Record
from opscope.core.text import Parameters
from opscope.errors import ConfigurationError
from opscope.graph.graph import Graph, Input
from opscope.graph.importers.checks import check_nodes, opsets_of
from opscope.graph.importers.declarations import (
    Declarations,
    Shape,
    assign,
    format_items,
    format_shape,
)
from opscope.graph.importers.folding import settle
from opscope.graph.importers.padding import spell_out_padding
from opscope.graph.importers.sequences import unpack_sequences
from opscope.graph.importers.shapes import (
    NUMBERS_OF_FLOATS,
    Dynamic,
    check_operands,
    check_shape,
    element_type,
    static_tensors,
    weight_inputs,
    with_batch,
)
from opscope.graph.importers.tensors import numpy_name, take_weights
from opscope.graph.kinds import FORMS, NORMAL, InputKind
from opscope.graph.weights import Payload

_REMARKS = ("doc_string", "metadata_props")
_CONTENTS = (
    *("raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data"),
    *("external_data", "data_location", "doc_string", "metadata_props"),
)


class Source(Record, frozen=True, kw_only=True):
    """A checked model whose inputs may still be dynamic.

    Attributes:
        model: Its structure; the tensors of weights in it are without their contents.
        payloads: Where those contents are, by tensor name.
        content: Sixteen hexadecimal digits that name the file and its weights.
    """

    model: onnx.ModelProto
    payloads: Mapping[str, Payload]
    content: str

    @property
    def inputs(self) -> list[onnx.ValueInfoProto]:
        """What must be supplied to run it; older models list weights there too."""
        return [value for value in self.model.graph.input if value.name not in self.payloads]

    def parameters(self, declared: Declarations) -> Parameters:
        """Return what a configuration must say of the inputs, in canonical form.

        Raises:
            ConfigurationError: If a shape or kind is missing, contradictory or for no input.
        """
        dynamic, shapes = self._shapes(declared)
        kinds = self._kinds(declared)
        named = len(shapes) > 1
        open_ = [(n, format_shape(shape)) for n, shape in shapes.items() if dynamic.is_dynamic(n)]
        special = [(name, kind) for name, kind in kinds.items() if kind != NORMAL]
        texts = {
            "shape": format_items(open_, named=named),
            "input": format_items(special, named=named),
        }
        return tuple((key, text) for key, text in texts.items() if text)

    def graph(self, declared: Declarations, batch: int = 1) -> Graph:
        """Return the checked graph with static shapes.

        Raises:
            ConfigurationError: Naming the input, or the node and its operator, that is at fault.
        """
        shapes = with_batch(self._shapes(declared)[1], batch)
        inputs = self._inputs(shapes, self._kinds(declared))
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        weights = take_weights(model.graph, self.payloads)
        del model.graph.input[:]
        model.graph.input.extend(
            helper.make_tensor_value_info(value.name, element_type(value), shapes[value.name])
            for value in self.inputs
        )
        model.graph.input.extend(weight_inputs(weights))
        unpack_sequences(model.graph)
        model = settle(model)
        tensors = static_tensors(model)
        check_operands(model)
        spell_out_padding(model)
        _check_with_onnx(model)
        return Graph(
            structure=model.SerializeToString(),
            inputs=inputs,
            outputs=tuple(tensors[output.name] for output in model.graph.output),
            weights=weights,
            activations=sum(tensor.size for tensor in (*inputs, *tensors.values())),
        )

    def _shapes(self, declared: Declarations) -> tuple[Dynamic, dict[str, Shape]]:
        names = [value.name for value in self.inputs]
        dynamic = Dynamic(self.inputs)
        return dynamic, dynamic.resolve(assign(declared.shapes, names, "shape"))

    def _kinds(self, declared: Declarations) -> dict[str, InputKind]:
        given = assign(declared.kinds, [value.name for value in self.inputs], "input")
        return {value.name: _kind_of(value, given.get(value.name)) for value in self.inputs}

    def _inputs(
        self, shapes: Mapping[str, tuple[int, ...]], kinds: Mapping[str, InputKind]
    ) -> tuple[Input, ...]:
        inputs = []
        for value in self.inputs:
            name, type_ = value.name, element_type(value)
            check_shape(shapes[name], type_, f"input {name!r}")
            inputs.append(
                Input(name=name, shape=shapes[name], dtype=numpy_name(type_), kind=kinds[name])
            )
        return tuple(inputs)


def make_source(model: onnx.ModelProto, payloads: Mapping[str, Payload], content: str) -> Source:
    """Check a model's nodes, give each a name of its own, and strip what says nothing of it.

    Args:
        model: Without local functions; Constant nodes turned into tensors.
        payloads: Where the contents of its tensors are, by name.
        content: Digest of the file.

    Raises:
        ConfigurationError: Naming the node and operator at fault.
    """
    graph = model.graph
    check_nodes(graph, opsets_of(model.opset_import))
    _name_nodes(graph)
    _strip(model)
    source = Source(model=model, payloads=payloads, content=content)
    for value in source.inputs:
        element_type(value)
    if not source.inputs:
        raise ConfigurationError("the model has no inputs", remedy="Export the model again.")
    return source


def _strip(model: onnx.ModelProto) -> None:
    """Clear the contents of weights, remarks, and shapes that inference will find again."""
    graph = model.graph
    for tensor in graph.initializer:
        _clear(tensor, *_CONTENTS)
    for node in graph.node:
        _clear(node, *_REMARKS)
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    _clear(graph, "value_info", "quantization_annotation", *_REMARKS)
    _clear(model, *_REMARKS)


def _clear(message: Message, *fields: str) -> None:
    for field in fields:
        message.ClearField(field)


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Give every node a name of its own, by which per-operator times can be told apart."""
    taken = Counter(node.name for node in graph.node)
    names = {name for name in taken if name}
    for index, node in enumerate(graph.node):
        if node.name and taken[node.name] == 1:
            continue
        name = node.name or f"{node.op_type.lower()}{index}"
        while name in names:
            name += "_"
        names.add(name)
        node.name = name


def _kind_of(value: onnx.ValueInfoProto, declared: InputKind | None) -> InputKind:
    where, type_ = f"input {value.name!r}", element_type(value)
    dtype = numpy_name(type_)
    if declared is None and type_ in NUMBERS_OF_FLOATS:
        return NORMAL
    if declared is None:
        raise ConfigurationError(
            f"what this {dtype} input carries is not declared",
            where=where,
            remedy=f"Declare it, as in input={value.name}:KIND, where KIND is {FORMS}.",
        )
    if not declared.fits(dtype):
        raise ConfigurationError(
            f"a {dtype} input cannot carry {declared}", where=where, remedy=f"Use one of {FORMS}."
        )
    return declared


def _check_with_onnx(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model)
    except Exception as exc:  # what C++ throws arrives under several names
        reason = str(exc).strip().split("\n")[0][:300].rstrip(" .")
        raise ConfigurationError(
            f"not a valid ONNX model: {reason}", remedy="Export the model again."
        ) from exc
