"""Findings: each question of a study answered by the analysis of its kind, or why it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from opscope.analysis.channels import ENOUGH, channels_finding
from opscope.analysis.failures import group_failures
from opscope.analysis.responses import Evidence, Response, responses
from opscope.core.finding import Failure, Finding, Unanswered
from opscope.core.record import Record
from opscope.core.study import Question, Study


class Kind(Record, frozen=True, kw_only=True):
    """A kind of finding: how it is drawn from a curve, and how many values of x it takes."""

    find: Callable[[Response, str], Finding]
    needs: int


KINDS: Mapping[str, Kind] = {"steps": Kind(find=channels_finding, needs=ENOUGH)}
"""Every kind of finding a study can ask for."""


class Answers(Record, frozen=True, kw_only=True):
    """What a study's questions come to.

    Attributes:
        findings: Question by question, curve by curve.
        unanswered: Questions that have too few points to be answered.
        failures: Why jobs gave no figure.
    """

    findings: tuple[Finding, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    failures: tuple[Failure, ...] = ()


def answer(study: Study, evidence: Sequence[Evidence]) -> Answers:
    """Return what the evidence says to each question of ``study``."""
    findings: list[Finding] = []
    unanswered: list[Unanswered] = []
    for question in study.findings:
        kind = KINDS[question.kind]
        curves = responses(evidence, question.x, question.quantity)
        enough = [curve for curve in curves if len(curve.values) >= kind.needs]
        findings += [kind.find(curve, study.name) for curve in enough]
        rest = [curve for curve in curves if curve not in enough]
        unanswered += _unanswered(question, kind, rest)
        unanswered += _never_varied(question, kind, curves, evidence)
    return Answers(
        findings=tuple(findings),
        unanswered=tuple(unanswered),
        failures=group_failures(evidence),
    )


def _unanswered(question: Question, kind: Kind, curves: Sequence[Response]) -> Iterator[Unanswered]:
    """Yield the curves that were to be swept and have too few points."""
    for curve in curves:
        if curve.swept:
            yield Unanswered(
                kind=question.kind,
                x=question.x,
                quantity=question.quantity,
                platform=curve.platform.name,
                precision=curve.precision,
                fixed=curve.fixed,
                points=len(curve.values),
                needed=kind.needs,
                left_out=curve.left_out,
            )


def _never_varied(
    question: Question, kind: Kind, curves: Sequence[Response], evidence: Sequence[Evidence]
) -> Iterator[Unanswered]:
    """Yield the platforms on which no configuration differs from another in x alone."""
    swept = {curve.platform.name for curve in curves if curve.swept}
    for platform in dict.fromkeys(item.platform.name for item in evidence):
        if platform not in swept:
            yield Unanswered(
                kind=question.kind,
                x=question.x,
                quantity=question.quantity,
                platform=platform,
                points=0,
                needed=kind.needs,
            )
