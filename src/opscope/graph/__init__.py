"""Configuration → ONNX graph: structure and weight seeds, the source of every platform's form."""

from opscope.graph.catalogue import KINDS, REVISION, build, parameters_of, resolve
from opscope.graph.graph import Graph, Tensor

__all__ = ["KINDS", "REVISION", "Graph", "Tensor", "build", "parameters_of", "resolve"]
