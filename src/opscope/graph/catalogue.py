"""The catalogue of kinds: from what a user wrote to a resolved configuration, and on to a graph."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

import msgspec

from opscope.core.configuration import Configuration, Workload
from opscope.errors import ConfigurationError
from opscope.graph import blocks, operators, zoo
from opscope.graph.design import Design
from opscope.graph.graph import Graph
from opscope.graph.network import Network

REVISION = 1
"""Raised whenever a kind builds another graph than before, so that no old figure stands for it."""

KINDS: Mapping[tuple[str, str], type[Design]] = {
    (design.kind, design.name): design
    for design in (*operators.DESIGNS, *blocks.DESIGNS, *zoo.DESIGNS)
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
    design = design_of(configuration)
    implied = design.implied()
    parameters = tuple(
        (field.name, value)
        for field in msgspec.structs.fields(design)
        if (value := getattr(design, field.name)) not in {field.default, implied.get(field.name)}
    )
    return Configuration(kind=design.kind, name=design.name, parameters=parameters)


def design_of(configuration: Configuration) -> Design:
    """Return the checked design that ``configuration`` describes.

    Raises:
        ConfigurationError: As `resolve`.
    """
    kind = _find(configuration)
    try:
        design = msgspec.convert(dict(configuration.parameters), kind)
    except msgspec.ValidationError as exc:
        raise _explain(exc, kind, configuration) from exc
    design.check()
    return design


def build(workload: Workload) -> Graph:
    """Return the checked graph of a workload, its weights not yet drawn.

    Raises:
        ConfigurationError: If the workload's configuration is not a possible one.
    """
    net = Network()
    output = design_of(workload.configuration).build(net, workload.batch)
    return net.finish(output)


def _find(configuration: Configuration) -> type[Design]:
    key = configuration.kind, configuration.name
    if key in KINDS:
        return KINDS[key]
    names = [f"{kind}:{name}" if name else kind for kind, name in KINDS]
    wanted = ":".join(filter(None, key))
    raise ConfigurationError(
        f"there is no kind {wanted!r}", where=str(configuration), remedy=_suggest(wanted, names)
    )


def _explain(
    exc: msgspec.ValidationError, kind: type[Design], configuration: Configuration
) -> ConfigurationError:
    """Say in the user's words what the decoder said in its own."""
    fields = [field.name for field in msgspec.structs.fields(kind)]
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
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
