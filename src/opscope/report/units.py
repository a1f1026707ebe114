"""How figures are written for people: SI prefixes, intervals, durations."""

from __future__ import annotations

from datetime import UTC, datetime

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_PLAIN = 1e15
_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def quantity(value: float, unit: str, digits: int = 4) -> str:
    """Return ``value`` with an SI prefix on seconds and joules, in per cent if it is relative."""
    if unit == "relative":
        return f"{100 * value:.3g} %"
    if unit not in {"s", "J"} or value == 0:
        return f"{_plain(value, digits)} {unit}".rstrip()
    scale, sign = prefix(value, unit)
    return f"{_plain(value / scale, digits)} {sign}{unit}"


def _plain(value: float, digits: int) -> str:
    """Return a number to so many digits, and never as a power of ten if it is that large."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 10**digits <= abs(rounded) < _PLAIN else f"{value:,.{digits}g}"


def rate(value: float, unit: str, digits: int = 3) -> str:
    """Return ``value`` with an SI prefix that makes it less than a thousand: ``112 GMAC/s``."""
    scale, sign = next((pair for pair in _LARGE if abs(value) >= pair[0]), _LARGE[-1])
    return f"{value / scale:.{digits}g} {sign}{unit}"


def prefix(value: float, unit: str) -> tuple[float, str]:
    """Return the size of the SI prefix that suits ``value``, and it; of other units, 1 and none."""
    if unit == "MAC":
        return next((pair for pair in _LARGE if abs(value) >= pair[0]), _LARGE[-1])
    if unit not in {"s", "J"} or value == 0:
        return 1.0, ""
    return next((pair for pair in _PREFIXES if abs(value) >= pair[0]), _PREFIXES[-1])


def interval(bounds: tuple[float, float] | None, unit: str) -> str:
    """Return a 95 % interval, or a dash where there is none."""
    if bounds is None:
        return "–"
    return f"{quantity(bounds[0], unit)} – {quantity(bounds[1], unit)}"


def unit_of(name: str) -> str:
    """Return the unit that the name of a quantity ends in: ``latency_s`` → ``s``."""
    return {"s": "s", "j": "J", "bytes": "bytes", "fps": "1/s"}.get(name.rpartition("_")[2], "")


def spoken(name: str) -> str:
    """Return what a quantity is called without its unit: ``latency_s`` → ``latency``."""
    return (name.rpartition("_")[0] if unit_of(name) else name).replace("_", " ")


def duration(seconds: float) -> str:
    """Return a duration for people: ``7 s``, ``2 min 5 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(text: str) -> str:
    """Return an ISO time in UTC to the minute: ``2026-11-21 16:17 UTC``; other text as it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def shortened(text: str, most: int) -> str:
    """Return ``text``, without its middle where it is longer than ``most`` characters."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}…{text[head + 1 - most :]}"
