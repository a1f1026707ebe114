"""The textual form of configurations and platforms: ``head:name,key=value,…``. Syntax only.

A comma, ``=``, ``@``, ``%`` or blank that belongs to a name or a value, as in a file's path, is
written as in a URL: ``file:my%20model.onnx``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from opscope.errors import ConfigurationError

Value = int | float | str
"""What a parameter or an option may be."""

Parameters = tuple[tuple[str, Value], ...]
"""Names and values in the order in which they are written."""

MODEL_FILES = (".onnx", ".tflite", ".pt2")
"""How the names of model files end."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_ITEM = re.compile(rf"({_WORD.pattern})=([^,=@\s]+)")
_RESERVED = re.compile(r"[%,=@\s\x00-\x1f\x7f]")


def parse_value(text: str) -> Value:
    """Return ``text`` as an integer or a finite float where it reads as one, else as itself."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return unquote(text)
    return value if math.isfinite(value) else unquote(text)


def format_value(value: Value) -> str:
    """Return the text that `parse_value` reads back as ``value``."""
    return quote_reserved(value) if isinstance(value, str) else repr(value)


def quote_reserved(text: str) -> str:
    """Return ``text`` with the characters that the syntax claims written as in a URL."""
    return _RESERVED.sub(lambda match: quote(match[0], safe=""), text)


def parse_text(text: str) -> tuple[str, str, Parameters]:
    """Split ``head:name,key=value,…`` into head, name (may be empty) and parameters.

    Raises:
        ConfigurationError: If the text has another form; it names the part at fault.
    """
    head, colon, rest = text.strip().partition(":")
    if not _WORD.fullmatch(head):
        raise ConfigurationError(
            f"{head!r} is not a name" if head else "it begins with no name",
            where=repr(text),
            remedy="Write name:key=value,key=value, as in conv:h=28,cin=320,cout=64,k=3.",
        )
    items = rest.split(",") if colon else []
    name = unquote(items.pop(0)) if items and "=" not in items[0] else ""
    if colon and not rest:
        raise ConfigurationError(
            "nothing follows the colon",
            where=repr(text),
            remedy=f"Write {head} or {head}:key=value.",
        )
    return head, name, tuple([_parse_item(item, text) for item in items])


def _parse_item(item: str, text: str) -> tuple[str, Value]:
    match = _ITEM.fullmatch(item)
    if not match:
        raise ConfigurationError(
            f"{item!r} is not of the form key=value",
            where=repr(text),
            remedy="Separate parameters by commas, without spaces.",
        )
    return match[1], parse_value(match[2])


def format_text(head: str, name: str, parameters: Iterable[tuple[str, Value]]) -> str:
    """Return the textual form that `parse_text` reads back."""
    items = [quote_reserved(name)] if name else []
    items += [f"{key}={format_value(value)}" for key, value in parameters]
    return f"{head}:{','.join(items)}" if items else head


def refuse_repeats(parameters: Parameters, where: str) -> None:
    """Refuse a parameter that is given twice.

    Raises:
        ConfigurationError: Naming the first such parameter.
    """
    if len(dict(parameters)) == len(parameters):
        return
    given = [key for key, _ in parameters]
    key = next(key for at, key in enumerate(given) if key in given[:at])
    raise ConfigurationError(f"{key} is given twice", where=where, remedy="Keep one of them.")


def model_text(model: str, *, shape: str = "", carries: str = "") -> str:
    """Return a configuration's text for what a user names: such a text, or the path of a file.

    Args:
        model: ``conv:h=28,…``, or a path that ends as a model file does.
        shape: Shapes of a file's inputs, as in ``1x3x224x224``; empty to leave them.
        carries: What a file's inputs carry, as in ``ids:0..30521``; empty to leave it.
    """
    if model.endswith(MODEL_FILES) and not model.startswith("file:"):
        model = f"file:{quote_reserved(model)}"
    given = [(key, value) for key, value in (("shape", shape), ("input", carries)) if value]
    return ",".join([model, *(f"{key}={value}" for key, value in given)])
