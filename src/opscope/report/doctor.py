"""What the terminal shows of a diagnosis: verdict, machine, steadiness, speed, what to change."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from opscope.core.diagnosis import Advice, Diagnosis, Rate
from opscope.core.environment import Environment
from opscope.report.environments import GIB, Rows, machine_rows
from opscope.report.units import quantity, rate

_STYLES = {"good": "bold green", "usable": "bold yellow", "poor": "bold red"}
_TOO_FEW = "too few were seen"


def diagnosis_view(found: Diagnosis) -> RenderableType:
    """Return a diagnosis in sections."""
    platform = found.platform
    title = f"{platform.name} ({platform.runtime} {platform.runtime_version})"
    return Group(
        Text(title, style="bold underline"),
        Text(found.verdict[:1].upper() + found.verdict[1:] + ".", style=_STYLES[found.quality]),
        _section("Machine", _machine(found.environment)),
        _section(f"Steadiness, {found.rounds} rounds in {found.span_s:.0f} s", _steadiness(found)),
        _section("Speed, as measured", _speed(found)),
        _section("What to expect of a measurement", _expectation(found)),
        Text("\nWhat to change", style="bold"),
        *(map(_advice, found.advice) if found.advice else [Text("nothing")]),
        *_reasons("Not measured", found.missing),
        *_reasons("Not known", found.absent),
    )


def _section(title: str, rows: Rows) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, fact in rows:
        table.add_row(Text(name), Text(fact))
    return Group(Text(f"\n{title}", style="bold"), table)


def _machine(environment: Environment) -> Rows:
    rows = machine_rows(environment)
    if environment.available_bytes is not None:
        rows.append(("available", f"{environment.available_bytes / GIB:.1f} GiB of memory"))
    if environment.timer_s is not None:
        rows.append(("timer", f"{quantity(environment.timer_s, 's', 2)} between two readings"))
    return rows


def _steadiness(found: Diagnosis) -> Rows:
    noise, drift = found.noise, found.drift
    trend = f"{drift.per_minute:+.1%} a minute" if drift.significant else "no trend beyond noise"
    causes = ", ".join(f"{share:.1%} {what}" for what, share in found.disturbed.items())
    rows = [
        (
            "noise",
            f"±{noise.deviation:.1%} at the median; 95 % {noise.low:+.1%} to {noise.high:+.1%}",
        ),
        ("drift", f"{trend}; parts of the time lie {drift.range:.1%} apart"),
        ("disturbed calls", causes or "none"),
        ("shared core", _shared(found)),
        ("other processes", _worth(found.neighbours, found.environment)),
        ("steal", _worth(found.steal, found.environment)),
        ("isolation", "; ".join(found.isolation) or "none was asked for"),
    ]
    if found.frequency_hz:
        low, high = (rate(hertz, "Hz") for hertz in found.frequency_hz)
        rows.append(("clock", f"{low} – {high}"))
    if found.temperature_c is not None:
        rows.append(("temperature", f"{found.temperature_c:.0f} °C at most"))
    return rows


def _shared(found: Diagnosis) -> str:
    if found.shared is None:
        return "not known"
    return f"{found.shared:.0%} of moments; {found.counted:.0%} of rounds count"


def _worth(processors: float | None, environment: Environment) -> str:
    if processors is None:
        return "not known"
    return f"{processors:.2f} of {environment.processors or environment.cores} processors"


def _speed(found: Diagnosis) -> Rows:
    rows = [(f"peak {peak.precision}", _rate(peak)) for peak in found.peaks]
    if found.bandwidth:
        rows.append(("memory", _rate(found.bandwidth)))
    if found.copy_bandwidth:
        rows.append(("plain copy", _rate(found.copy_bandwidth)))
    rows += [
        (f"ridge {precision}", f"{macs:.3g} MACs per byte")
        for precision, macs in found.ridge.items()
    ]
    return rows


def _rate(found: Rate) -> str:
    text = rate(found.value, found.unit)
    if found.interval:
        low, high = (rate(bound, found.unit) for bound in found.interval)
        text += f"   [{low} – {high}]"
    return f"{text}   {found.what}"


def _expectation(found: Diagnosis) -> Rows:
    expected = found.expectation
    widths = {
        expected.least_rounds: expected.after_least,
        expected.most_rounds: expected.after_most,
    }
    after = [
        (f"after {rounds} rounds", _TOO_FEW if width is None else f"±{width:.1%}")
        for rounds, width in widths.items()
    ]
    most = f"more than {min(expected.most_rounds, found.rounds)}"
    mostly = expected.rounds_mostly or most
    needed = f"{expected.rounds} at the median, {mostly} for nine in ten"
    if not expected.rounds:
        needed = _TOO_FEW if expected.after_least is None else most
    return [*after, (f"rounds for ±{expected.wanted:.0%}", needed)]


def _advice(advice: Advice) -> RenderableType:
    text = Text("• ")
    text.append(advice.what, style="bold").append(f": {advice.why}.\n  {advice.how}")
    return text


def _reasons(title: str, reasons: Mapping[str, str]) -> list[RenderableType]:
    if not reasons:
        return []
    rows = [(name, reason.removeprefix("not available, ")) for name, reason in reasons.items()]
    return [_section(title, rows)]
