"""The program inside a PyTorch export file: checked, and copied without what might be executed.

What decodes into the records of `torch_schema` and passes the checks below can call nothing but
ATen operators, and no text in it is evaluated that is more than arithmetic on sizes.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import UnsetType

from opscope.errors import ConfigurationError
from opscope.graph.importers.torch_schema import Program

_REMEDY = "Export the module again with torch.export and PyTorch's own operators."

_OPERATOR = re.compile(r"torch\.ops\.aten\.[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")
_ON_SIZES = {
    *(f"_operator.{name}" for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "getitem")),
    *(f"_operator.{name}" for name in ("eq", "ne", "lt", "le", "gt", "ge", "truediv")),
    *(f"torch.sym_{name}" for name in ("max", "min", "int", "float", "not")),
}
"""What a node may call besides: arithmetic on sizes, and picking one of several outputs."""

_ON_FILES = re.compile(r"torch\.ops\.aten\.from_file\b")
_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|(\d{1,18})|([-+*/(),<>=]))")
_QUOTED = re.compile(r"Symbol\('((?:s|u|zuf|zf|f)\d{1,9})'(?:, (?:positive|integer)=True){0,2}\)")
_SYMBOL = re.compile(r"(?:s|u|zuf|zf|f)\d+")
_FUNCTIONS = {"Max", "Min", "Mod", "PythonMod", "FloorDiv", "CleanDiv", "CeilToInt", "TruncToInt"}
_FUNCTIONS |= {
    "Add",
    "Mul",
    "Integer",
    "Rational",
    "Eq",
    "Ne",
    "Lt",
    "Le",
    "Gt",
    "Ge",
    "True",
    "False",
    "IntTrueDiv",
    "ToFloat",
}
_EXPRESSION_LIMIT = 500
_CONTAINERS = {None, "builtins.tuple", "builtins.list", "builtins.dict"}


def clean_program(program: dict[str, Any]) -> dict[str, Any]:
    """Return the program with only what PyTorch may be handed.

    Args:
        program: The object of ``models/model.json``.

    Raises:
        ConfigurationError: Naming the node and its operator, or the place in the file.
    """
    _check_nodes(program)
    try:
        clean = msgspec.convert(program, Program)
    except (msgspec.ValidationError, RecursionError) as exc:
        text, _, where = str(exc).partition(" - at ")
        raise ConfigurationError(
            f"its program holds what PyTorch might execute, or is damaged: {text}",
            where=where.strip("`"),
            remedy=_REMEDY,
        ) from exc
    _check_expressions(clean)
    for call in clean.graph_module.module_call_graph:
        if call.signature:
            _check_spec(call.signature.in_spec)
            _check_spec(call.signature.out_spec)
    plain = msgspec.to_builtins(clean)
    if not isinstance(plain, dict):  # pragma: no cover - a record is an object
        raise TypeError
    return plain


def _check_nodes(program: dict[str, Any]) -> None:
    """Drop the nodes' remarks, and name the node whose operator is not one of PyTorch's own."""
    try:
        nodes = program["graph_module"]["graph"]["nodes"]
        named = [(str(node["target"]), str(node.get("name"))) for node in nodes]
        for node in nodes:
            node["metadata"] = {}
    except (KeyError, TypeError, AttributeError) as exc:
        raise ConfigurationError("its list of nodes is damaged", remedy=_REMEDY) from exc
    for target, name in named:
        allowed = _OPERATOR.fullmatch(target) or target in _ON_SIZES
        if not allowed or _ON_FILES.match(target):
            raise ConfigurationError(
                f"operator {target[:200]!r} is unknown or not a plain tensor operator",
                where=f"node {name[:100]!r}",
                remedy=_REMEDY,
            )


def _check_expressions(program: Program) -> None:
    graph = program.graph_module.graph
    sizes = [*graph.sym_int_values.values(), *graph.sym_bool_values.values()]
    sizes += graph.sym_float_values.values()
    for meta in graph.tensor_values.values():
        sizes += [*meta.sizes, *meta.strides, meta.storage_offset]
    texts = [size.as_expr.expr_str for size in sizes if not isinstance(size.as_expr, UnsetType)]
    for text in {*texts, *program.range_constraints}:
        if not is_arithmetic(text):
            raise ConfigurationError(
                f"{text[:100]!r} is not a size", where="a shape in the program", remedy=_REMEDY
            )


def is_arithmetic(text: str) -> bool:
    """Whether ``text`` is arithmetic on sizes, harmless even where it is evaluated as Python."""
    at, power = 0, False
    text = _QUOTED.sub(r"\1", text)
    if not text or len(text) > _EXPRESSION_LIMIT:
        return False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            return not text[at:].strip()
        word, _, sign = match.groups()
        if word and not (_SYMBOL.fullmatch(word) or word in _FUNCTIONS):
            return False
        if sign == "*" and power:
            return False
        power, at = sign == "*", match.end()
    return True


def _check_spec(text: str) -> None:
    """Refuse containers of other types than tuples, lists and dictionaries."""
    try:
        _, spec = json.loads(text)
        pending = [spec]
        while pending:
            node = pending.pop()
            if node["type"] not in _CONTAINERS:
                raise ConfigurationError(
                    f"inputs or outputs are packed in a {str(node['type'])[:100]}",
                    remedy="Export a module that takes and gives tuples, lists or dictionaries.",
                )
            pending += node["children_spec"]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise ConfigurationError("its list of inputs is damaged", remedy=_REMEDY) from exc
