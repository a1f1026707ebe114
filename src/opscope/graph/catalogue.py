"""The catalogue of kinds: from what a user wrote to a resolved configuration, and on to a graph."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from opscope.core.configuration import Configuration, Workload
from opscope.core.decoding import suggest
from opscope.core.text import Value
from opscope.errors import ParameterError
from opscope.graph import backbones, blocks, importers, operators, zoo
from opscope.graph.design import ANY_NAME, Design
from opscope.graph.graph import Graph
from opscope.graph.stacking import layer_of, stack

REVISION = 1
"""Raised whenever a kind builds another graph than before, so that no old figure stands for it."""

KINDS: Mapping[tuple[str, str], type[Design]] = {
    (design.kind, design.name): design
    for package in (operators, blocks, backbones, zoo, importers)
    for design in package.DESIGNS
}
"""Every kind of configuration, by kind and name."""


def resolve(configuration: Configuration | str) -> Configuration:
    """Return the canonical form: checked, in the kind's order, without values left at default.

    A value that a left-out parameter would stand for anyway (w = h) is left out too.

    Raises:
        ConfigurationError: If the kind or a parameter is unknown, missing, of a wrong type or
            impossible; it names the place and what would do.
    """
    if isinstance(configuration, str):
        configuration = Configuration.parse(configuration)
    return design_of(configuration).configuration()


def design_of(configuration: Configuration) -> Design:
    """Return the checked design that ``configuration`` describes.

    Raises:
        ConfigurationError: As `resolve`.
    """
    kind = _find(configuration)
    design = kind.read(configuration)
    design.check()
    return design


def parameters_of(configuration: Configuration) -> dict[str, Value]:
    """Return every parameter that has a value, those too that the canonical form leaves out.

    Nothing is checked and no file is read.

    Raises:
        ConfigurationError: If the kind or a parameter is unknown.
    """
    return _find(configuration).read(configuration).values()


def build(workload: Workload) -> Graph:
    """Return the checked graph of a workload, its weights not yet drawn.

    Raises:
        ConfigurationError: If the workload's configuration is not a possible one, or if copies
            are asked for of what cannot be stacked.
    """
    configuration = workload.configuration
    from_file = _find(configuration).name == ANY_NAME  # which may change, and fill the memory
    make = _graph if from_file else _kept_graph
    return make(configuration, workload.batch, workload.copies)


def _graph(configuration: Configuration, batch: int, copies: int) -> Graph:
    design = design_of(configuration)
    if copies:
        return stack(layer_of(design, configuration), batch, copies)
    return design.graph(batch)


_kept_graph = functools.lru_cache(maxsize=64)(_graph)
"""A job's graphs are asked for again by everyone who plans, prepares, verifies and counts it."""


def _find(configuration: Configuration) -> type[Design]:
    key = configuration.kind, configuration.name
    for known in (key, (configuration.kind, ANY_NAME)):
        if known in KINDS:
            return KINDS[known]
    names = [f"{kind}:{name}" if name else kind for kind, name in KINDS]
    wanted = ":".join(filter(None, key))
    raise ParameterError(
        f"there is no kind {wanted!r}",
        where=str(configuration),
        remedy=suggest(wanted, names),
        parameter="name" if configuration.kind in {kind for kind, _ in KINDS} else "kind",
    )
