"""What tests of TFLite forms share: a graph's file run, and its operators read back."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from opscope.convert.tflite import tflite_model
from opscope.testing.graphs import graph_of
from opscope.testing.tflite import run_tflite

CODES = {number: name for name, number in vars(schema.BuiltinOperator).items()}


def codes_of(data):
    """Return the operators of a file in order."""
    model = schema.Model.GetRootAs(data)
    graph = model.Subgraphs(0)
    numbers = [graph.Operators(n).OpcodeIndex() for n in range(graph.OperatorsLength())]
    return [CODES[model.OperatorCodes(number).BuiltinCode()] for number in numbers]


def form_of(text, *, batch=1, seed=1):
    """Return a configuration's graph and its TFLite form."""
    graph = graph_of(text, batch=batch)
    return graph, tflite_model(graph, seed)


def outputs_of(model, inputs):
    """Return what a form computes without delegates, by name in the graph's layout."""
    arrays = [np.ascontiguousarray(inputs[t.name].transpose(t.order)) for t in model.inputs]
    results = run_tflite(model.data, arrays)
    return {
        tensor.name: result.transpose(np.argsort(tensor.order))
        for tensor, result in zip(model.outputs, results, strict=True)
    }
