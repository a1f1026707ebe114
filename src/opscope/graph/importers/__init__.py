"""The user's own models as graphs: ONNX, TFLite and PyTorch files, and PyTorch modules."""

from opscope.graph.design import Design
from opscope.graph.importers.api import import_model, import_module
from opscope.graph.importers.declarations import Declarations
from opscope.graph.importers.model_file import ModelFile
from opscope.graph.importers.readers import read_source
from opscope.graph.importers.source import Source

DESIGNS: tuple[type[Design], ...] = (ModelFile,)

__all__ = [
    "DESIGNS",
    "Declarations",
    "ModelFile",
    "Source",
    "import_model",
    "import_module",
    "read_source",
]
