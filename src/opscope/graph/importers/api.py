"""The user's own models as graphs, from Python: a file's path, a PyTorch module or its export."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opscope.graph.graph import Graph
from opscope.graph.importers.declarations import Declarations, Size
from opscope.graph.importers.readers import place, read_source
from opscope.graph.importers.torch_program import source_of_module
from opscope.graph.kinds import InputKind

if TYPE_CHECKING:
    import torch

Shapes = Mapping[str, Iterable[Size] | str]
"""Shape by input name, as ``(1, 3, 224, 224)`` or ``"Nx3x224x224"``, N being the batch."""

Kinds = Mapping[str, InputKind | str]
"""What each input carries, as in ``{"ids": "0..30521", "mask": "mask", "picture": "image"}``."""


def import_model(
    path: str | os.PathLike[str],
    *,
    shapes: Shapes | None = None,
    inputs: Kinds | None = None,
    batch: int = 1,
) -> Graph:
    """Return the graph of an ONNX, TFLite or PyTorch export file; nothing in it is executed.

    Args:
        path: The file; weights beside it are read only from its own folder.
        shapes: Shapes of the inputs that the file leaves dynamic.
        inputs: What the inputs carry; needed for integers and masks, standard normal for others.
        batch: What ``N`` stands for in the shapes.

    Raises:
        ConfigurationError: If the file or the declarations cannot be meant; it names the input, or
            the node and its operator, at fault.
    """
    source = read_source(Path(path))
    with place(str(path)):
        return source.graph(Declarations.of(shapes, inputs), batch)


def import_module(
    module: torch.nn.Module | torch.export.ExportedProgram,
    example: tuple[torch.Tensor, ...] = (),
    *,
    shapes: Shapes | None = None,
    inputs: Kinds | None = None,
    batch: int = 1,
) -> Graph:
    """Return the graph of a PyTorch module, in evaluation mode, or of its exported program.

    Args:
        module: A module, which is traced with ``example``, or what ``torch.export.export`` gave.
        example: Inputs whose shapes and types the module is traced with.
        shapes: Shapes of the inputs that an exported program leaves dynamic.
        inputs: As for `import_model`.
        batch: What ``N`` stands for in the shapes.

    Raises:
        PlatformUnavailable: If PyTorch or its ONNX exporter is missing.
        ConfigurationError: As `import_model`, or if PyTorch cannot export the module.
    """
    return source_of_module(module, example).graph(Declarations.of(shapes, inputs), batch)
