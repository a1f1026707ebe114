"""The program inside a PyTorch export file: the part of its schema that is safe to hand to PyTorch.

Records below mirror PyTorch's schema (torch/_export/serde/schema.py), without higher-order
operators, custom objects, guards and remarks. What decodes into them and passes `_check` can call
nothing but ATen operators, and no text in it is evaluated that is more than sums of sizes.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from opscope.errors import ConfigurationError

_REMEDY = "Export the module again with torch.export and PyTorch's own operators."

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=512)]
_Path = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]*$", max_length=2048)]
_Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_. -]*$", max_length=256)]
_Target = Annotated[str, Meta(max_length=512)]

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


class _Part(Struct, frozen=True):
    """Unknown fields are left out of the copy."""


class _Union(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of several, unknown ones refused."""


class _Hint(_Union, frozen=True):
    as_int: int | UnsetType = UNSET
    as_bool: bool | UnsetType = UNSET
    as_float: float | UnsetType = UNSET


class _Expression(_Part, frozen=True):
    expr_str: str
    hint: _Hint | None = None


class _SymSize(_Union, frozen=True):
    as_expr: _Expression | UnsetType = UNSET
    as_int: int | UnsetType = UNSET
    as_bool: bool | UnsetType = UNSET
    as_float: float | UnsetType = UNSET


class _Device(_Part, frozen=True):
    type: Annotated[str, Meta(pattern="^(cpu|meta)$")]
    index: int | None = None


class _TensorMeta(_Part, frozen=True):
    dtype: int
    sizes: list[_SymSize]
    requires_grad: bool
    device: _Device
    strides: list[_SymSize]
    storage_offset: _SymSize
    layout: int


class _Named(_Part, frozen=True):
    name: _Name


class _SymArgument(_Union, frozen=True):
    as_name: _Name | UnsetType = UNSET
    as_int: int | UnsetType = UNSET
    as_float: float | UnsetType = UNSET
    as_bool: bool | UnsetType = UNSET


class _Optional(_Union, frozen=True):
    as_tensor: _Named | UnsetType = UNSET
    as_none: bool | UnsetType = UNSET


class _Argument(_Union, frozen=True):
    as_none: bool | UnsetType = UNSET
    as_tensor: _Named | UnsetType = UNSET
    as_tensors: list[_Named] | UnsetType = UNSET
    as_int: int | UnsetType = UNSET
    as_ints: list[int] | UnsetType = UNSET
    as_float: float | str | UnsetType = UNSET
    as_floats: list[float] | UnsetType = UNSET
    as_string: _Word | UnsetType = UNSET
    as_sym_int: _SymArgument | UnsetType = UNSET
    as_sym_ints: list[_SymArgument] | UnsetType = UNSET
    as_scalar_type: int | UnsetType = UNSET
    as_memory_format: int | UnsetType = UNSET
    as_layout: int | UnsetType = UNSET
    as_device: _Device | UnsetType = UNSET
    as_bool: bool | UnsetType = UNSET
    as_bools: list[bool] | UnsetType = UNSET
    as_sym_bool: _SymArgument | UnsetType = UNSET
    as_sym_float: _SymArgument | UnsetType = UNSET
    as_optional_tensors: list[_Optional] | UnsetType = UNSET
    as_optional_tensor: _Optional | UnsetType = UNSET


class _NamedArgument(_Part, frozen=True):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]*$", max_length=256)]
    arg: _Argument
    kind: int | None = None


class _Node(_Part, frozen=True):
    target: _Target
    inputs: list[_NamedArgument]
    outputs: list[_Argument]
    metadata: Annotated[dict[str, str], Meta(max_length=0)] = {}
    is_hop_single_tensor_return: bool | None = None
    name: _Name | None = None


class _Graph(_Part, frozen=True):
    inputs: list[_Argument]
    outputs: list[_Argument]
    nodes: list[_Node]
    tensor_values: dict[_Name, _TensorMeta]
    sym_int_values: dict[_Name, _SymSize]
    sym_bool_values: dict[_Name, _SymSize]
    is_single_tensor_return: bool = False
    sym_float_values: dict[_Name, _SymSize] = {}


class _Value(_Part, frozen=True):
    arg: _Argument


class _Parameter(_Part, frozen=True):
    arg: _Named
    parameter_name: _Path


class _Buffer(_Part, frozen=True):
    arg: _Named
    buffer_name: _Path
    persistent: bool


class _Constant(_Part, frozen=True):
    arg: _Named
    tensor_constant_name: _Path


class _Mutation(_Part, frozen=True):
    arg: _Named
    buffer_name: _Path


class _InputSpec(_Union, frozen=True):
    user_input: _Value | UnsetType = UNSET
    parameter: _Parameter | UnsetType = UNSET
    buffer: _Buffer | UnsetType = UNSET
    tensor_constant: _Constant | UnsetType = UNSET


class _OutputSpec(_Union, frozen=True):
    user_output: _Value | UnsetType = UNSET
    buffer_mutation: _Mutation | UnsetType = UNSET


class _Signature(_Part, frozen=True):
    input_specs: list[_InputSpec]
    output_specs: list[_OutputSpec]


class _CallSignature(_Part, frozen=True):
    inputs: list[_Argument]
    outputs: list[_Argument]
    in_spec: str
    out_spec: str
    forward_arg_names: list[_Name] | None = None


class _Call(_Part, frozen=True):
    fqn: _Path
    signature: _CallSignature | None = None


class _GraphModule(_Part, frozen=True):
    graph: _Graph
    signature: _Signature
    module_call_graph: list[_Call]


class _Range(_Part, frozen=True):
    min_val: int | None
    max_val: int | None


class _Version(_Part, frozen=True):
    major: int
    minor: int


class _Program(_Part, frozen=True):
    graph_module: _GraphModule
    opset_version: dict[_Name, int]
    range_constraints: dict[str, _Range]
    schema_version: _Version
    verifiers: list[_Name] = []
    torch_version: _Path | Annotated[str, Meta(pattern=r"^[0-9A-Za-z.+<=]*$")] = "<=2.4"


def clean_program(program: dict[str, Any]) -> dict[str, Any]:
    """Return the program with only what PyTorch may be handed.

    Args:
        program: The object of ``models/model.json``.

    Raises:
        ConfigurationError: Naming the node and its operator, or the place in the file.
    """
    _check_nodes(program)
    try:
        clean = msgspec.convert(program, _Program)
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


def _check_expressions(program: _Program) -> None:
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
