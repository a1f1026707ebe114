"""The catalogue of kinds: from what a user wrote to a resolved configuration, and on to a graph."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

import msgspec

from opscope.core.configuration import Configuration, Workload
from opscope.errors import ConfigurationError
from opscope.graph import importers, operators, zoo
from opscope.graph.design import ANY_NAME, Design
from opscope.graph.graph import Graph

REVISION = 1
"""Raised whenever a kind builds another graph than before, so that no old figure stands for it."""

KINDS: Mapping[tuple[str, str], type[Design]] = {
    (design.kind, design.name): design
    for design in (*importers.DESIGNS, *operators.DESIGNS, *zoo.DESIGNS)
}
"""Every kind of configuration, by kind and name."""


def resolve(configuration: Configuration | str) -> Configuration:
    """Return the canonical form: checked, in the kind's order, without values left at default.

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
    try:
        design = kind.of(configuration)
    except msgspec.ValidationError as exc:
        raise _explain(exc, kind, configuration) from exc
    design.check()
    return design


def build(workload: Workload) -> Graph:
    """Return the checked graph of a workload, its weights not yet drawn.

    Raises:
        ConfigurationError: If the workload's configuration is not a possible one.
    """
    return design_of(workload.configuration).graph(workload.batch)


def _find(configuration: Configuration) -> type[Design]:
    key = configuration.kind, configuration.name
    for known in (key, (configuration.kind, ANY_NAME)):
        if known in KINDS:
            return KINDS[known]
    names = [f"{kind}:{name}" if name else kind for kind, name in KINDS]
    wanted = ":".join(filter(None, key))
    raise ConfigurationError(
        f"there is no kind {wanted!r}", where=str(configuration), remedy=_suggest(wanted, names)
    )


def _explain(
    exc: msgspec.ValidationError, kind: type[Design], configuration: Configuration
) -> ConfigurationError:
    """Say in the user's words what the decoder said in its own."""
    fields = [field.name for field in kind.fields()]
    required = [field.name for field in kind.fields() if field.required]
    text, _, path = str(exc).partition(" - at `$.")
    where, key = str(configuration), path.rstrip("`")
    if unknown := re.search(r"unknown field `(.*)`", text):
        remedy = _suggest(unknown[1], fields)
        return ConfigurationError(f"unknown parameter {unknown[1]!r}", where=where, remedy=remedy)
    if missing := re.search(r"missing required field `(.*)`", text):
        remedy = f"{configuration.kind} needs {', '.join(required)}."
        return ConfigurationError(f"{missing[1]} is missing", where=where, remedy=remedy)
    value = configuration.get(key)
    return ConfigurationError(
        f"{key}={value} does not fit: {text[:1].lower()}{text[1:]}",
        where=where,
        remedy="Correct the value.",
    )


def _suggest(wrong: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(wrong, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}There are: {', '.join(known)}."
