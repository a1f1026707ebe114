"""Which reader is for which file, and which files are never opened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from opscope.errors import ConfigurationError
from opscope.graph.importers.onnx_file import read_onnx
from opscope.graph.importers.source import Source
from opscope.graph.importers.tflite import read_tflite
from opscope.graph.importers.torch_archive import read_program

READERS: Mapping[str, Callable[[Path], Source]] = {
    ".onnx": read_onnx,
    ".pt2": read_program,
    ".tflite": read_tflite,
}
"""By the end of the file's name."""

_PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}


def read_source(path: Path) -> Source:
    """Return the model of a file.

    Raises:
        ConfigurationError: If there is no reader for it, or it cannot be read as what it says it
            is; the message begins with the path.
    """
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise ConfigurationError(
            "such a file may hold a pickle, which runs code when it is read",
            where=str(path),
            remedy="Export the module with torch.export.save to a .pt2 file, or to ONNX.",
        )
    if suffix not in READERS:
        raise ConfigurationError(
            f"there is no reader for {suffix or 'a file without a suffix'}",
            where=str(path),
            remedy=f"Use a file that ends in {', '.join(READERS)}.",
        )
    with place(str(path)):
        return READERS[suffix](path)


@contextlib.contextmanager
def place(where: str) -> Iterator[None]:
    """Put a file's path in front of the errors that arise within, unless they name it already."""
    try:
        yield
    except ConfigurationError as exc:
        if exc.where.startswith(where):
            raise
        raise exc.at(where) from exc
