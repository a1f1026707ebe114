"""Reasons of trials without a figure: their first line, and which of them are one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_NUMBER = re.compile(r"\d+")


def first_line(reason: str) -> str:
    """Return the first line of a reason that says anything."""
    lines = (line.strip() for line in reason.splitlines())
    return next(filter(None, lines), "no reason was given")


def gist(reason: str) -> str:
    """Return what reasons share that are one: their first lines differ in nothing but numbers.

    A runtime that names the node or the shape it refuses says the same of every configuration.
    """
    return _NUMBER.sub("#", first_line(reason))


def count_reasons(reasons: Iterable[str]) -> dict[str, int]:
    """Return how often each reason occurs, under the first line of the first of its gist."""
    spelled: dict[str, str] = {}
    counts = Counter(spelled.setdefault(gist(reason), first_line(reason)) for reason in reasons)
    return dict(counts)
