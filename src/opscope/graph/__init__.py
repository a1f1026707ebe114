"""Configuration → ONNX graph: structure and weight seeds, the source of every platform's form."""

from opscope.graph.catalogue import KINDS, REVISION, build, resolve
from opscope.graph.graph import Graph, Tensor

__all__ = ["KINDS", "REVISION", "Graph", "Tensor", "build", "resolve"]
