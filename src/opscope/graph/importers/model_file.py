"""The kind ``file``: ``file:model.onnx,shape=…,input=…``, and which reader is for which file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from opscope.core.configuration import Configuration
from opscope.core.parameters import read_parameters
from opscope.core.record import Record
from opscope.errors import ConfigurationError
from opscope.graph.design import ANY_NAME, Design
from opscope.graph.graph import Graph
from opscope.graph.importers.declarations import Declarations
from opscope.graph.importers.readers import place, read_source
from opscope.graph.importers.source import Source


class _Parameters(Record, frozen=True, kw_only=True):
    """What may follow the path."""

    shape: str | int = ""
    input: str = ""


class ModelFile(Design, frozen=True, kw_only=True):
    """A model of the user's own, in an ONNX, TFLite or PyTorch export file.

    ``shape`` makes dynamic inputs static: ``1x3x224x224``, or ``ids:1x128+mask:1x128`` for several,
    with ``N`` for the workload's batch. ``input`` says what inputs carry: ``image``, or
    ``ids:0..30521+mask:mask``; floating-point inputs are standard normal unless it says otherwise.
    """

    kind: ClassVar[str] = "file"
    name: ClassVar[str] = ANY_NAME

    shape: str = ""
    input: str = ""
    path: str
    content: str = ""

    @classmethod
    def read(cls, configuration: Configuration) -> Self:
        """Return the design of a file; its path is the configuration's name.

        Raises:
            ConfigurationError: If there is no path, or a parameter is unknown or of a wrong type.
        """
        where = str(configuration)
        given = read_parameters(configuration.parameters, _Parameters, where=where)
        if not configuration.name:
            raise ConfigurationError(
                "the file's path is missing",
                where=where,
                remedy="Write file:model.onnx, with any of , = @ % in the path as in a URL: %2C.",
            )
        return cls(
            shape=str(given.shape),
            input=given.input,
            path=configuration.name,
            content=configuration.content,
        )

    def configuration(self) -> Configuration:
        """Read the file and return the canonical configuration, with the digest of its content.

        Raises:
            ConfigurationError: If the file cannot be read, or its inputs are not fully declared.
        """
        source = self._source()
        with place(self.path):
            parameters = source.parameters(self._declared())
        return Configuration(
            kind=self.kind, name=self.path, parameters=parameters, content=source.content
        )

    def graph(self, batch: int) -> Graph:
        """Read the file and return its graph.

        Raises:
            ConfigurationError: If the file has changed since the configuration was resolved, or as
                `configuration`.
        """
        source = self._source()
        if self.content and self.content != source.content:
            raise ConfigurationError(
                f"the file holds {source.content} and no longer {self.content}",
                where=self.path,
                remedy="Restore the file, or start a study of the new one.",
            )
        with place(self.path):
            return source.graph(self._declared(), batch)

    def _source(self) -> Source:
        return read_source(Path(self.path))

    def _declared(self) -> Declarations:
        return Declarations.parse(self.shape, self.input)
