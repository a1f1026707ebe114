"""What a decoder found wrong with what a user wrote: where exactly, what, and what would do."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import inspect

from opscope.core.record import Record

Step = str | int
"""A key of a table, or a position in a list."""

_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]|\[(?P<any>\.\.\.)\]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Fault(Record, frozen=True, kw_only=True):
    """One thing wrong with a nest of tables and lists.

    Attributes:
        path: Where it is, as in ``spaces[0].axes.cout``; of an unknown or a missing name, the table
            it stands or belongs in. Empty for the outermost.
        kind: Whether a name is unknown or missing, or a value unfit.
        name: The name that is unknown or missing.
        text: What is wrong with the value, in the decoder's words.
        remedy: What would do, as a sentence.
    """

    path: str
    kind: Literal["unknown", "missing", "unfit"]
    name: str = ""
    text: str = ""
    remedy: str


def find_fault(exc: msgspec.ValidationError, content: Mapping[str, Any], type_: type) -> Fault:
    """Return what ``exc``, raised when ``content`` was converted to ``type_``, is about."""
    text, _, pattern = str(exc).partition(" - at `$")
    steps = _name_steps(exc, content, type_, list(_STEP.finditer(pattern)))
    path = format_path(steps)
    forms = _forms_at(inspect.type_info(type_), steps)
    fields = [field for form in forms for field in getattr(form, "fields", ())]
    if unknown := re.search(r"unknown field `(.*)`", text, re.DOTALL):
        remedy = suggest(unknown[1], [field.name for field in fields])
        return Fault(path=path, kind="unknown", name=unknown[1], remedy=remedy)
    if missing := re.search(r"missing required field `(.*)`", text):
        required = ", ".join(field.name for field in fields if field.required)
        return Fault(path=path, kind="missing", name=missing[1], remedy=f"Needed are {required}.")
    text = f"{text[:1].lower()}{text[1:]}"
    return Fault(path=path, kind="unfit", text=text, remedy=_use(forms))


def format_path(steps: Sequence[Step]) -> str:
    """Return the text of a key path: ``spaces[0].axes.cout``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _BARE.fullmatch(step) else json.dumps(step)
            text += f".{key}" if text else key
    return text


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Return the remedy for a wrong name: the nearest known one, and all there are."""
    known = sorted(known)
    if not known:
        return "There are none."
    close = difflib.get_close_matches(wrong, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}There are: {', '.join(known)}."


def _name_steps(
    exc: msgspec.ValidationError, content: Any, type_: type, pattern: Sequence[re.Match[str]]
) -> list[Step]:
    """Return the steps to the fault; the decoder writes ``[...]`` for the keys of a free table.

    Such a key is found by decoding again with one key of the table at a time.
    """
    steps: list[Step] = []
    for match in pattern:
        if match["name"]:
            steps.append(match["name"])
        elif match["index"]:
            steps.append(int(match["index"]))
        else:
            table = _at(content, steps)
            wrong = (key for key in table if _fails_alike(exc, content, type_, [*steps, key]))
            steps.append(next(wrong, "…"))
    return steps


def _fails_alike(
    exc: msgspec.ValidationError, content: Any, type_: type, steps: Sequence[Step]
) -> bool:
    try:
        msgspec.convert(_alone(content, steps), type_)
    except msgspec.ValidationError as again:
        return str(again) == str(exc)
    return False


def _alone(content: Any, steps: Sequence[Step]) -> Any:
    """Return ``content`` with the last step's key alone in its table."""
    first, *rest = steps
    if not rest:
        return {first: content[first]}
    if isinstance(first, int):
        return [_alone(v, rest) if i == first else v for i, v in enumerate(content)]
    return {key: _alone(v, rest) if key == first else v for key, v in content.items()}


def _at(content: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        content = content[step]
    return content


def _forms_at(info: inspect.Type, steps: Sequence[Step]) -> list[inspect.Type]:
    """Return what may stand at the end of ``steps``: one type, or the members of a union."""
    forms = list(info.types) if isinstance(info, inspect.UnionType) else [info]
    if not steps:
        return forms
    inner = [part for form in forms for part in _parts(form, steps[0])]
    return [form for part in inner for form in _forms_at(part, steps[1:])]


def _parts(form: inspect.Type, step: Step) -> list[inspect.Type]:
    match form:
        case inspect.StructType(fields=fields):
            return [field.type for field in fields if field.name == step]
        case inspect.DictType(value_type=value) if isinstance(step, str):
            return [value]
        case inspect.VarTupleType(item_type=item) if isinstance(step, int):
            return [item]
        case inspect.TupleType(item_types=items) if isinstance(step, int):
            return list(items[step : step + 1])
    return []


def _use(forms: Sequence[inspect.Type]) -> str:
    """Return the sentence that says what may be written, names first."""
    names = [name for form in forms for name in _names(form)]
    words = [f"one of {', '.join(names)}"] if names else []
    words += filter(None, map(_words, forms))
    return f"Use {', or '.join(words)}." if words else ""


def _names(form: inspect.Type) -> list[str]:
    match form:
        case inspect.EnumType(cls=cls):
            return [str(member.value) for member in cls]
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
    return []


def _words(form: inspect.Type) -> str:
    match form:
        case inspect.IntType():
            return f"a whole number{_bounds(form)}"
        case inspect.FloatType():
            return f"a number{_bounds(form)}"
        case inspect.StrType():
            return "a text"
        case inspect.VarTupleType(min_length=least):
            return f"a list of {least} or more: […]" if least else "a list: […]"
        case inspect.TupleType(item_types=items):
            return f"a list of {len(items)}: […]"
    return "a table: {…}" if isinstance(form, inspect.StructType | inspect.DictType) else ""


def _bounds(form: inspect.IntType | inspect.FloatType) -> str:
    limits = (
        ("above", form.gt),
        ("of at least" if form.le is None else "from", form.ge),
        ("below", form.lt),
        ("to" if form.ge is not None else "up to", form.le),
    )
    words = [f"{word} {limit:,}" for word, limit in limits if limit is not None]
    return " ".join(["", *words])
