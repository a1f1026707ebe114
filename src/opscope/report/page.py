"""The report of a run as one HTML page: from its overview and charts to what the template shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opscope.analysis.overview import Overview, Row, Site
from opscope.core.environment import Environment
from opscope.core.finding import Finding
from opscope.core.measurement import Trust
from opscope.report.chart import Chart, guide
from opscope.report.charts import charts, staircase
from opscope.report.document import document
from opscope.report.environments import UNKNOWN, Rows, machine_rows, software_rows
from opscope.report.interactive import figure
from opscope.report.naming import plainly
from opscope.report.tabulated import (
    EFFECTS,
    chart_numbers,
    counted,
    effect_rows,
    failures_table,
    support_tables,
    table,
    trials,
    unanswered_table,
)
from opscope.report.units import moment, shortened

_LONGEST = 200
_SECTIONS = (
    (
        "sweeps",
        "Sweeps",
        "Each platform as one parameter grows, and what its MACs alone would predict.",
    ),
    ("bars", "Blocks and networks", "Side by side, with 95 % intervals."),
    ("scatter", "Against MACs", "Were MACs all that counts, the points would lie on a line."),
)
_CONVENTIONS = (
    (
        "latency",
        "Time from the input available at the first layer to the output available after the last, "
        "the input already bound: no data pipeline, no transfer from a host. Caches are hot unless "
        "the study says otherwise.",
    ),
    (
        "counts",
        "A multiply-accumulate is 1 MAC, and counts as one operation. MACs are those of a call, "
        "its whole batch included.",
    ),
    (
        "intervals",
        "95 %, from rounds that are spread over time and over several preparations.",
    ),
    (
        "origin",
        "Measured: read off the real thing. Simulated: executed in a model of the hardware. "
        "Estimated: computed without executing the network.",
    ),
    (
        "trust",
        "Untrusted figures are drawn hollow and take no part in a finding. Not assessed: measured "
        "elsewhere and imported.",
    ),
)


class Drawings:
    """The charts of a page, numbered as they are placed, and the figures that are drawn."""

    def __init__(self) -> None:
        self.figures: list[dict[str, Any]] = []

    def place(self, chart: Chart) -> dict[str, Any]:
        """Return what the template needs to place the chart."""
        drawn = figure(chart)
        self.figures.append(drawn)
        shown = {
            "title": shortened(chart.title, _LONGEST),
            "says": shortened(chart.says, 5 * _LONGEST),
            "height": drawn["layout"]["height"],
            "notes": _notes(chart),
            "numbers": chart_numbers(chart),
        }
        return {"number": len(self.figures) - 1, "figure": shown}


def report_page(overview: Overview) -> str:
    """Return the HTML page that says all that a run says."""
    drawings = Drawings()
    answers = overview.answers
    by_number = {row.trial: row for row in overview.rows}
    findings = [_finding(item, by_number, drawings) for item in answers.findings]
    drawn = _sections(charts(overview), drawings, _left_out(overview))
    support, reasons = support_tables(overview.support)
    contents = [("findings", "Findings")]
    contents += [("unanswered", "Unanswered")] if answers.unanswered else []
    contents += [("failures", "What failed")] if answers.failures else []
    contents += [(section["id"], section["name"]) for section in drawn]
    contents += [("support", "What runs where")] if overview.support else []
    contents += [
        ("trials", "All trials"),
        ("environment", "Environment"),
        ("conventions", "Conventions"),
    ]
    return document(
        "report.html",
        figures=drawings.figures,
        rows=trials(overview.rows, overview.quantity),
        title=shortened(overview.study.title or overview.study.name, _LONGEST),
        study=overview.study,
        state=_state(overview),
        contents=contents,
        findings=findings,
        unanswered=unanswered_table(answers.unanswered),
        failures=failures_table(answers.failures),
        drawn=drawn,
        support=support,
        reasons=reasons,
        sites=[_site(site) for site in overview.sites],
        conventions=_CONVENTIONS,
    )


def _state(overview: Overview) -> str:
    done, jobs = len(overview.rows), overview.jobs
    by = f" with opscope {overview.opscope}" if overview.opscope else ""
    so_far = f"{done:,} of {jobs:,} jobs so far" if done < jobs else f"all {done:,} jobs ended"
    return f"Run {overview.run}, begun {moment(overview.started_at)}{by}: {so_far}."


def _left_out(overview: Overview) -> dict[str, str]:
    """Return, by section, how much more there is than is drawn, and where."""
    command = f"opscope export {overview.study.name} -o FILE.csv"
    where = f"a row each in the table of all trials, and in what `{command}` writes."
    more = {"sweeps": overview.more_sweeps, "bars": sum(item.left_out for item in overview.bars)}
    names = {"sweeps": "sweeps", "bars": "blocks or networks"}
    return {
        id_: f"{count:,} more {names[id_]} are not drawn; their trials have {where}"
        for id_, count in more.items()
        if count
    }


def _sections(
    found: Sequence[Chart], drawings: Drawings, left_out: Mapping[str, str]
) -> list[dict[str, Any]]:
    sorted_: dict[str, list[Chart]] = {}
    for chart in found:
        sorted_.setdefault(_section(chart), []).append(chart)
    return [
        {
            "id": id_,
            "name": name,
            "says": says,
            "left_out": left_out.get(id_, ""),
            "charts": [drawings.place(chart) for chart in sorted_[id_]],
        }
        for id_, name, says in _SECTIONS
        if id_ in sorted_
    ]


def _section(chart: Chart) -> str:
    if any(series.style == "bars" for series in chart.series):
        return "bars"
    return "scatter" if chart.x.log else "sweeps"


def _notes(chart: Chart) -> list[str]:
    marks = [mark for series in chart.series for mark in series.marks]
    told = (
        ("Whiskers are 95 % intervals", any(mark.interval for mark in marks)),
        ("Diamonds are recommended values", any(mark.recommended for mark in marks)),
        ("Hollow or hatched is not to be relied on", any(mark.untrusted for mark in marks)),
        (f"Dashed is {guide(chart)}", bool(guide(chart))),
    )
    return [note for note, holds in told if holds]


def _finding(finding: Finding, rows: Mapping[int, Row], drawings: Drawings) -> dict[str, Any]:
    return {
        "about": shortened(f"{finding.platform} · {finding.precision} · {finding.fixed}", _LONGEST),
        "verdict": f"{finding.verdict[:1].upper()}{finding.verdict[1:]}",
        "characteristic": plainly(finding),
        "effects": table(EFFECTS, effect_rows(finding.effects)),
        "facts": list(_facts(finding)),
        **drawings.place(staircase(finding, rows)),
    }


def _facts(finding: Finding) -> Iterable[tuple[str, str, str]]:
    yield "cause", finding.cause, ""
    yield "implication", finding.implication, ""
    if kept := finding.guideline:
        values = ", ".join(f"{value:g}" for value in kept.allowed) or "none"
        yield "recommended", f"{kept.parameter} = {values} ({len(kept.allowed)} of {kept.of})", ""
    yield "origin", finding.origin.value, ""
    yield (
        "trust",
        _trust(finding.trust),
        finding.trust.verdict.value.replace("not assessed", "doubt"),
    )
    yield "derivation", f"{len(finding.points)} points; {finding.derivation}", ""
    if finding.left_out:
        yield "left out", counted(finding.left_out), ""


def _trust(trust: Trust) -> str:
    return f"{trust.verdict.value}: {trust.reason}" if trust.reason else trust.verdict.value


def _site(site: Site) -> dict[str, Any]:
    info = site.platform
    told = [
        ("device", info.device),
        ("runtime", f"{info.runtime} {info.runtime_version}"),
        ("threads", str(info.threads)),
        ("figures are", info.origin.value),
        ("instruction set", ", ".join(info.instruction_set) or "not told"),
        ("fingerprint", info.fingerprint),
    ]
    machines = [_machine(environment) for environment in site.environments]
    return {"name": shortened(info.name, _LONGEST), "facts": [told, *machines]}


def _machine(found: Environment) -> Rows:
    known = [(name, fact) for name, fact in machine_rows(found) if fact != UNKNOWN]
    versions = ", ".join(f"{name} {number}" for name, number in software_rows(found))
    absent = [(name, f"{UNKNOWN}: {reason}") for name, reason in found.absent.items()]
    return [*known, ("software", versions), *absent]
