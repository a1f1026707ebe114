"""Findings: each question of a study answered by the analysis of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opscope.analysis.channels import channels_finding
from opscope.analysis.responses import Evidence, Response, responses
from opscope.core.finding import Finding
from opscope.core.study import Study

KINDS: Mapping[str, Callable[[Response, str], Finding | None]] = {"steps": channels_finding}
"""Every kind of finding a study can ask for."""


def find(study: Study, evidence: Sequence[Evidence]) -> list[Finding]:
    """Return the findings that the evidence allows, question by question, curve by curve."""
    return [
        finding
        for question in study.findings
        for response in responses(evidence, question.x, question.quantity)
        if (finding := KINDS[question.kind](response, study.name))
    ]
