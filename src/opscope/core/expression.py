"""Small expressions over a space's axes: ``cin % groups == 0``, ``2 * cin``. Nothing is executed.

The text is parsed by Python's own grammar and walked; only names of axes, numbers, texts,
arithmetic, comparison and and/or/not have a meaning. There are no calls and no attributes.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

from opscope.core.text import Value
from opscope.errors import StudyError

_LONGEST = 200

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[..., bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """Return the value of the expression ``text`` where each name stands for its value.

    Raises:
        StudyError: If the text is no such expression, names something unknown, or has no value.
    """
    if len(text) > _LONGEST:
        raise StudyError(
            f"is longer than {_LONGEST} characters",
            where=repr(text[:20] + "…"),
            remedy="Shorten it; a constraint can be split, since all must hold.",
        )
    try:
        return _walk(ast.parse(text, mode="eval").body, names)
    except (SyntaxError, ValueError) as exc:  # ValueError: a null character
        raise StudyError("is not an expression", where=repr(text), remedy=_REMEDY) from exc
    except (_Unreadable, ArithmeticError, TypeError) as exc:
        raise StudyError(str(exc), where=repr(text), remedy=_REMEDY) from exc


_REMEDY = "Use axis names, numbers, + - * / // %, comparisons, and, or, not."


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    pass


def _walk(node: ast.expr, names: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() | str() as value):
            return value
        case ast.Name(id=name):
            return _look_up(name, names)
        case ast.UnaryOp() | ast.BinOp():
            return _calculate(node, names)
        case ast.BoolOp(op=op, values=values):
            results = (bool(_walk(value, names)) for value in values)
            return all(results) if isinstance(op, ast.And) else any(results)
        case ast.Compare():
            return _compare(node, names)
    raise _meaningless(node)


def _look_up(name: str, names: Mapping[str, Value]) -> Value:
    if name not in names:
        known = ", ".join(sorted(names)) or "none"
        raise _Unreadable(f"{name!r} is not a parameter here (known: {known})")
    return names[name]


def _calculate(node: ast.UnaryOp | ast.BinOp, names: Mapping[str, Value]) -> Value:
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _walk(operand, names)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(_walk(operand, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_number(_walk(left, names)), _number(_walk(right, names)))
    raise _meaningless(node)


def _meaningless(node: ast.expr) -> _Unreadable:
    return _Unreadable(f"{ast.unparse(node)!r} has no meaning here")


def _compare(node: ast.Compare, names: Mapping[str, Value]) -> bool:
    values = [_walk(side, names) for side in (node.left, *node.comparators)]
    for op, left, right in zip(node.ops, values, values[1:], strict=False):
        if type(op) not in _COMPARE:
            raise _meaningless(node)
        if not _COMPARE[type(op)](left, right):
            return False
    return True


def _number(value: Value) -> float:
    if isinstance(value, str):
        raise _Unreadable(f"{value!r} is not a number")
    return value
