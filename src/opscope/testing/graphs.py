"""Builders for tests of graphs: from a configuration's text to its model and what it computes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx

from opscope.core.configuration import Configuration, Workload
from opscope.graph import Graph, build


def graph_of(text: str, *, batch: int = 1) -> Graph:
    """Return the graph of the configuration that ``text`` spells.

    Raises:
        ConfigurationError: If it is not a possible configuration.
    """
    return build(Workload(configuration=Configuration.parse(text), batch=batch))


def node_types(graph: Graph) -> Counter[str]:
    """Return how many nodes of each ONNX operator a graph has."""
    model = onnx.ModelProto.FromString(graph.structure)
    return Counter(node.op_type for node in model.graph.node)


def compute(graph: Graph, inputs: dict[str, np.ndarray], *, seed: int = 0) -> np.ndarray:
    """Return the first output that onnxruntime computes, weights drawn from ``seed``."""
    return outputs_of(graph.materialise(seed), inputs)[0]


def outputs_of(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return every output that onnxruntime computes of a model with its weights."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs: list[Any] = session.run(None, inputs)
    return [np.asarray(output) for output in outputs]
