"""The part of PyTorch's export schema that is safe to hand to PyTorch, as records.

They mirror torch/_export/serde/schema.py, without higher-order operators, custom objects, guards
and remarks: unknown fields of a record are left out of the copy, unknown members of a union are
refused, and names are held to what a name may be, since PyTorch writes them into Python code. What
may be called, and which texts are evaluated, is checked in `torch_json`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=512)]
_Path = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]*$", max_length=2048)]
_Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_. -]*$", max_length=256)]
_Target = Annotated[str, Meta(max_length=512)]


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


class Program(_Part, frozen=True):
    """What ``models/model.json`` in an export file holds."""

    graph_module: _GraphModule
    opset_version: dict[_Name, int]
    range_constraints: dict[str, _Range]
    schema_version: _Version
    verifiers: list[_Name] = []
    torch_version: _Path | Annotated[str, Meta(pattern=r"^[0-9A-Za-z.+<=]*$")] = "<=2.4"
