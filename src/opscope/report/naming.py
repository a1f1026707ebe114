"""Names within a report: of figures, to be typed; of configurations side by side, to be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from opscope.core.finding import Finding
from opscope.core.text import format_value, parse_text
from opscope.errors import ConfigurationError
from opscope.report.units import spoken

_APART = re.compile(r"[^a-z0-9]+")
_PARAMETER = re.compile(r"\w+=[\w.]+")
_LONGEST = 60


def slug(*parts: str) -> str:
    """Return the parts as one name to be typed: small letters, digits and hyphens."""
    text = "-".join(filter(None, (_APART.sub("-", part.lower()).strip("-") for part in parts)))
    return text[:_LONGEST].strip("-") or "figure"


def unique(named: Sequence[tuple[str, str]]) -> list[str]:
    """Return a name for each of ``named`` that no other has.

    Args:
        named: A name and the title that it is for. Those that share a name are told apart by the
            parameters in which their titles differ, else by number.
    """
    counts = Counter(name for name, _ in named)
    words = [_PARAMETER.findall(title) for _, title in named]
    shared: dict[str, set[str]] = {}
    for (name, _), mine in zip(named, words, strict=True):
        shared[name] = shared.get(name, set(mine)) & set(mine)
    found: dict[str, None] = {}
    for (name, _), mine in zip(named, words, strict=True):
        own = [word.replace("=", "") for word in mine if word not in shared[name]]
        told = slug(name, *own) if counts[name] > 1 else name
        number, candidate = 2, told
        while candidate in found:
            candidate, number = f"{told}-{number}", number + 1
        found[candidate] = None
    return list(found)


def plainly(finding: Finding) -> str:
    """Return what a finding says, its quantity in words: ``latency`` for ``latency_s``."""
    said = finding.characteristic.replace(finding.quantity, spoken(finding.quantity), 1)
    return f"{said[:1].upper()}{said[1:]}"


def labelled(labels: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return configurations, or workloads, without what all of them share, and that.

    ``block:a,h=7,cin=8`` and ``block:b,h=7,cin=16`` become ``a, cin=8`` and ``b, cin=16``; what
    they share is ``h=7``. Labels that this would make alike stay as they are.
    """
    deployed = {label.partition("@")[2] for label in labels}
    if len(labels) > 1 and len(deployed) == 1 and (told := deployed.pop()):
        bodies, common = labelled([label.partition("@")[0] for label in labels])
        return bodies, ", ".join(filter(None, (common, told)))
    try:
        parts = [parse_text(label) for label in labels]
    except ConfigurationError:
        return tuple(labels), ""
    shared = set.intersection(*(set(parameters) for _, _, parameters in parts)) if parts else set()
    short = [
        ", ".join(
            [
                name or kind,
                *(f"{key}={format_value(v)}" for key, v in parameters if (key, v) not in shared),
            ]
        )
        for kind, name, parameters in parts
    ]
    if len(set(short)) < len(short):
        return tuple(labels), ""
    kept = [item for item in parts[0][2] if item in shared] if len(parts) > 1 else []
    if not kept:
        return tuple(short if len(parts) > 1 else labels), ""
    return tuple(short), ", ".join(f"{key}={format_value(value)}" for key, value in kept)
