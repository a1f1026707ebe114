"""What the terminal shows: tables and findings, from records, through rich."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from opscope.core.execution import Execution
from opscope.core.finding import Effect, Failure, Finding, Unanswered
from opscope.core.forecast import Forecast
from opscope.core.measurement import Measurement, Stop, Verdict
from opscope.core.platform import PlatformListing
from opscope.core.study import Study
from opscope.report.chart import Chart
from opscope.report.charts import staircase
from opscope.report.plot import draw
from opscope.report.units import duration, interval, quantity, unit_of

if TYPE_CHECKING:
    from opscope.analysis.findings import Answers
    from opscope.analysis.steps import Steps

_LISTED = 24
_SHOWN = 8
_STOPPED: dict[Stop, str] = {
    "precision": "as narrow as asked",
    "rounds": "all its rounds",
    "budget": "all its time",
}
"""Why sampling ended."""


def platform_table(listings: Sequence[PlatformListing]) -> Table:
    """Return the list of platforms, with the remedy where one is missing."""
    name = Column("platform", no_wrap=True)  # names and commands are to be typed: whole
    what_it_is = Column("what it is", overflow="fold")
    table = Table(name, "available", "precisions", "figures are", what_it_is)
    for listing in listings:
        what = listing.description if listing.available else listing.reason
        table.add_row(
            Text(listing.name),
            "yes" if listing.available else "no",
            ", ".join(listing.precisions),
            listing.origin.value,
            Text(what),
        )
    return table


def study_table(studies: Sequence[Study]) -> Table:
    """Return the list of studies with the question each asks."""
    table = Table("study", "question", "source")
    for study in studies:
        table.add_row(Text(study.name), Text(study.question), Text(study.source))
    return table


def figure_table(charts: Sequence[Chart]) -> Table:
    """Return the list of figures with what each shows."""
    table = Table(Column("figure", no_wrap=True), Column("what it shows", overflow="fold"))
    for chart in charts:
        table.add_row(Text(chart.name), Text(chart.title))
    return table


def forecast_line(forecast: Forecast) -> str:
    """Return what a study's time is good for, in a sentence."""
    given, least = duration(forecast.budget_s), duration(forecast.least_s)
    best, worst = (f"{100 * half:{'.0f' if half >= 1 else '.2g'}}" for half in forecast.precision)
    width = f"±{best} %" if best == worst else f"±{best} to {worst} %"
    said = f"{given} left: a typical figure will be within {width}"
    if forecast.least_s > forecast.budget_s:
        said = f"{said}, and even the least number of rounds takes about {least}"
    elif forecast.needed_s <= forecast.budget_s and forecast.precision[0] <= forecast.wanted:
        said = f"{said}, for which about {duration(forecast.needed_s)} will do"
    else:
        said = f"{said} after about {forecast.rounds} rounds"
    if forecast.alone == 1:
        return said
    return f"{said}; something else shares the core in {1 - forecast.alone:.0%} of the rounds"


def measurement_lines(measurement: Measurement) -> Text:
    """Return one measurement: value, interval, origin, trust, how it was derived."""
    value = quantity(measurement.value, measurement.unit)
    text = Text(f"{measurement.quantity}  {value}", style="bold")
    bounds = interval(measurement.interval, measurement.unit)
    ended = f"; {_STOPPED[measurement.stopped]}" if measurement.stopped else ""
    text.append(f"   [{bounds}] {measurement.interval_note}{ended}\n", style="not bold")
    text.append(f"  {measurement.origin.value}; {measurement.derivation}", style="not bold dim")
    if measurement.spread:
        spread = measurement.spread
        median, p95, p99 = (
            quantity(value, measurement.unit) for value in (spread.median, spread.p95, spread.p99)
        )
        text.append(
            f"\n  all {spread.samples} samples: median {median}, p95 {p95}, p99 {p99}",
            style="not bold dim",
        )
    for condition in _conditions(measurement):
        text.append(f"\n  {condition}", style="not bold dim")
    if measurement.trust.verdict is not Verdict.TRUSTED:
        trust = measurement.trust
        style = "bold red" if trust.verdict is Verdict.UNTRUSTED else "not bold dim"
        text.append(f"\n  {trust.verdict.value}: {trust.reason}", style=style)
    return text


def _conditions(measurement: Measurement) -> Iterator[str]:
    """Yield by how much the machine's speed was taken into account, and what was refused."""
    if (speed := measurement.speed) and measurement.unit == "s":
        measured_s = measurement.value * speed.factor + speed.refetch_s
        share = f"{measurement.value / measured_s - 1:+.1%}" if measured_s > 0 else ""
        if share.strip("+-0.%"):
            yield f"corrected by {share} for the machine's speed, as reference kernels tell"
    for said in measurement.isolation:
        if "not " in said:
            yield said


def execution_line(execution: Execution) -> Text:
    """Return what really ran, in a line."""
    parts = [f"{number} × {kind}" for kind, number in execution.kernels[:_SHOWN]]
    if execution.as_asked is not None:
        parts.insert(0, f"{execution.as_asked:.0%} of it ran in the precision asked for")
    if len(execution.builds_s) > 1:
        ends = (min(execution.builds_s), execution.builds_s[0])
        fastest, first = (quantity(took_s, "s") for took_s in ends)
        builds = f"fastest of {len(execution.builds_s)} builds"
        parts.append(f"{builds}: {fastest} by a short timing, the first {first}")
    if execution.output_error is not None:
        parts.append(f"outputs off by {execution.output_error:.1g} of their spread")
    return Text(f"  {'; '.join(parts)}", style="dim")


def finding_view(finding: Finding, *, width: int = 80) -> RenderableType:
    """Return a finding: its staircase, sizes, cause, implication, and what to keep."""
    title = f"{finding.platform} · {finding.precision} · {finding.fixed}"
    parts: list[RenderableType] = [
        Text(f"{title}\n{finding.verdict.upper()}", style="bold"),
        Text(finding.characteristic),
        Text("\n" + draw(staircase(finding), width=width - 2) + "\n"),
        _effects(finding.effects),
        Text(f"cause        {finding.cause}"),
        Text(f"implication  {finding.implication}"),
    ]
    if finding.guideline:
        kept = _numbers(finding.guideline.allowed)
        parts.append(Text(f"recommended  {finding.guideline.parameter} = {kept}", style="bold"))
    parts.append(Text(_provenance(finding), style="dim"))
    return Padding(Group(*parts), (0, 0, 1, 0))


def answers_view(answers: Answers, *, width: int = 80) -> RenderableType:
    """Return the findings, why others cannot be drawn, and what failed."""
    lines = [_unanswered_line(item) for item in answers.unanswered]
    parts: list[RenderableType] = [finding_view(item, width=width) for item in answers.findings]
    parts += _first(lines, "finding that cannot be drawn", "findings that cannot be drawn")
    lines = [_failure_line(item) for item in answers.failures]
    parts += _first(lines, "reason of failures", "reasons of failures")
    nothing = "nothing to show: the study asks for no finding, or no trial has ended yet"
    return Group(*(parts or [Text(nothing)]))


def _unanswered_line(item: Unanswered) -> Text:
    text = Text(f"no finding  {item.platform}", style="bold")
    about = f"{item.kind} of {item.quantity} over {item.x}"
    if not item.fixed:
        text.append(f": {about}: no two configurations differ in {item.x} alone", style="not bold")
        return text
    counted = f"{item.points} point{'s' if item.points != 1 else ''}, and it takes {item.needed}"
    text.append(f" · {item.precision} · {item.fixed}: {about}: {counted}", style="not bold")
    for reason, count in item.left_out.items():
        text.append(f"; {count} left out ({reason})", style="not bold")
    return text


def _failure_line(failure: Failure) -> Text:
    text = Text(f"{failure.count} {failure.status}", style="bold red")
    text.append(f"  {failure.platform}, as {failure.example}", style="not bold default")
    return text.append(f"\n  {failure.reason}", style="not bold default")


def _first(lines: Sequence[Text], one: str, many: str) -> list[Text]:
    """Return the first lines, and how many more there are."""
    rest = len(lines) - _SHOWN
    if rest <= 0:
        return list(lines)
    more = Text(f"… and {rest} more {one if rest == 1 else many}: --json lists them")
    return [*lines[:_SHOWN], more]


def steps_view(steps: Steps) -> RenderableType:
    """Return the verdict on a table."""
    lines = [Text(steps.verdict.upper(), style="bold"), Text(steps.reason)]
    period = "–" if steps.period is None else f"{steps.period:g}"
    if steps.period_interval:
        low, high = steps.period_interval
        period += f"   [{low:.4g} – {high:.4g}]"
    lines.append(Text(f"period       {period}   {steps.period_reason}"))
    lines.append(Text(f"scatter      {steps.noise:.1%} about the fit"))
    for edge in steps.edges[:_LISTED]:
        low, high = edge.rise_interval
        between = f"between {edge.low:g} and {edge.high:g}"
        lines.append(Text(f"edge         {between}: {edge.rise:+.4g}   [{low:.4g} – {high:.4g}]"))
    if len(steps.edges) > _LISTED:
        lines.append(Text(f"…            {len(steps.edges)} edges in all; --json lists them"))
    lines.append(Text(f"recommended  {_numbers(steps.recommended)}", style="bold"))
    return Group(*lines)


def _effects(effects: Sequence[Effect]) -> Table:
    table = Table("size", "value", "95 % interval", box=None, padding=(0, 2, 0, 0))
    for effect in effects[:_LISTED]:
        unit = unit_of(effect.unit.partition(" per ")[0])
        bounds = interval(effect.interval, unit)
        table.add_row(Text(effect.name), quantity(effect.value, unit or effect.unit), bounds)
    if len(effects) > _LISTED:
        table.add_row(f"… {len(effects)} in all; --json lists them", "", "")
    return table


def _provenance(finding: Finding) -> str:
    parts = [f"{len(finding.points)} points", finding.origin.value, finding.derivation]
    parts += [f"{count} left out ({reason})" for reason, count in finding.left_out.items()]
    if finding.trust.verdict is not Verdict.TRUSTED:
        parts.append(f"{finding.trust.verdict.value}: {finding.trust.reason}")
    return "; ".join(parts)


def _numbers(values: Sequence[float]) -> str:
    shown = [f"{value:g}" for value in values[:_LISTED]]
    more = [f"… ({len(values)} in all)"] if len(values) > _LISTED else []
    return ", ".join([*shown, *more]) or "none"


def study_view(study: Study, jobs: int) -> RenderableType:
    """Return what a study declares."""
    protocol = study.protocol
    lines = [
        Text(f"{study.name}: {study.title}", style="bold"),
        Text(study.question),
        Text(f"source      {study.source or 'not named'}"),
        Text(f"platforms   {', '.join(study.platforms) or 'named by -p'}"),
        Text(f"precisions  {', '.join(study.precisions)}; batches {_numbers(study.batches)}"),
        Text(f"meters      {', '.join(meter.name for meter in study.meters)}"),
        Text(
            f"protocol    {protocol.rounds} rounds of {protocol.samples} samples over "
            f"{protocol.preparations} preparations, seed {study.seed}"
        ),
    ]
    for space in study.spaces:
        base = ", ".join(f"{key}={value}" for key, value in space.base.items())
        axes = ", ".join(space.axes) or "none"
        kind = f"{space.kind}:{space.name}" if space.name else space.kind
        lines.append(Text(f"space       {kind}, {space.expand} over {axes}; {base}"))
    lines.append(Text(f"jobs        {jobs}"))
    return Group(*lines)


def summary_view(row: Mapping[str, Any]) -> Text:
    """Return how a session of a run went, from its figures by name."""
    parts = [f"run {row['run']}: {row['jobs']} {'job' if row['jobs'] == 1 else 'jobs'}"]
    before = {outcome: row["earlier"].get(outcome, 0) for outcome in row["unfinished"]}
    if measured := row["found"] - sum(before.values()):
        parts.append(f"{measured} measured before")
    parts += [f"{count} {outcome} before" for outcome, count in before.items() if count]
    parts += [f"{count} {outcome}" for outcome, count in row["outcomes"].items()]
    if row["untrusted"]:
        parts.append(f"{row['untrusted']} of them untrusted")
    text = Text(", ".join(parts))
    if row["outcomes"]:
        text.append(f"; {duration(row['wall_s'])}")
        if row["waited_s"]:
            text.append(f", {duration(row['waited_s'])} of it waiting")
        of = "the rest" if row["waited_s"] else "it"
        text.append(f", {row['runtime_share']:.0%} of {of} inside the runtimes")
    else:
        text.append(", nothing left to measure")
    if row["unfinished"]:
        retry = ",".join(row["unfinished"])
        count = sum(row["unfinished"].values())
        text.append(f"\n{count} of {row['jobs']} jobs gave no figure; ", style="bold red")
        text.append(f"to try them again, add --retry {retry}")
    return text
