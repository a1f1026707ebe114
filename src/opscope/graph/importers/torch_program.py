"""PyTorch modules and exported programs as ONNX, through PyTorch's own exporter."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.graph.importers.onnx_file import source_of
from opscope.graph.importers.source import Source

if TYPE_CHECKING:
    import torch

OPSET = 20
_REASON_LIMIT = 600
"""Characters of PyTorch's explanation that an error repeats."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def source_of_module(
    module: torch.nn.Module | torch.export.ExportedProgram,
    example: tuple[torch.Tensor, ...] = (),
) -> Source:
    """Return the source for a module, traced with ``example`` in evaluation mode, or its export.

    Raises:
        PlatformUnavailable: If PyTorch or its ONNX exporter is missing.
        ConfigurationError: If PyTorch cannot export it; its explanation is repeated.
    """
    torch = import_torch()
    if isinstance(module, torch.nn.Module):
        if not example:
            raise ConfigurationError(
                "a module needs inputs to be traced with",
                where=type(module).__name__,
                remedy="Pass them, as in import_module(module, (torch.zeros(1, 3, 224, 224),)).",
            )
        program = export_module(module, example)
    else:
        program = module
    return source_of_program(program)


def export_module(module: Any, example: tuple[Any, ...]) -> Any:
    """Return the exported program of a module in evaluation mode, in which it is left as it was.

    Raises:
        ConfigurationError: If PyTorch cannot export it.
    """
    torch = import_torch()
    modes = {part: part.training for part in module.modules()}
    try:
        with quiet(), _explained(type(module).__name__):
            return torch.export.export(module.eval(), example)
    finally:
        for part, training in modes.items():
            part.training = training


def source_of_program(program: Any) -> Source:
    """Return the source for an exported program.

    BatchNorm stays a node of its own: PyTorch's optimiser would fuse it.

    Raises:
        ConfigurationError: If PyTorch's exporter does not know an operator of it.
    """
    torch = import_torch()
    with quiet(), _explained("the exported program"):
        exported = torch.onnx.export(
            program, dynamo=True, verbose=False, optimize=False, opset_version=OPSET
        )
    model = exported.model_proto
    return source_of(model, folder=None, data=model.SerializeToString(deterministic=True))


def import_torch() -> Any:
    """Return PyTorch, its ONNX exporter included.

    Raises:
        PlatformUnavailable: Saying how to install what is missing.
    """
    try:
        import onnxscript  # noqa: F401 - the exporter is built on it
        import torch
        import torch.onnx
    except ImportError as exc:
        raise PlatformUnavailable(
            f"{exc.name} is missing, which reads PyTorch models",
            remedy="Install it: pip install 'opscope[torch]'.",
        ) from exc
    return torch


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep PyTorch's remarks about itself off the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    disabled = logger.disabled
    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")
        stack.callback(setattr, logger, "disabled", disabled)
        logging.disable(logging.WARNING)
        stack.callback(logging.disable, logging.NOTSET)
        yield


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn whatever PyTorch raises into one message."""
    try:
        yield
    except Exception as exc:
        lines = [line for line in _COLOURS.sub("", str(exc)).splitlines() if line.strip()]
        raise ConfigurationError(
            f"PyTorch cannot export it: {' '.join(lines)[:_REASON_LIMIT].rstrip(' .')}",
            where=where,
            remedy="Correct the module, or export what is to be measured of it.",
        ) from exc
