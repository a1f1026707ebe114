"""Builders and fakes that several floors' tests share."""

from __future__ import annotations

from opscope.core.readings import Samples, Visit
from opscope.core.space import Range, Space
from opscope.core.study import Limits, Protocol, Question, Study
from opscope.platforms.base import TimedDeployment


class ScriptedDeployment(TimedDeployment):
    """Hands out the durations it was given, one after the other."""

    def __init__(self, durations):
        self.durations = list(durations)

    def sample(self, count):
        if count and not self.durations:
            raise RuntimeError("the script is over")
        taken, self.durations = self.durations[:count], self.durations[count:]
        return Samples(durations_s=tuple(taken), preemptions=(0,) * count, clock="script")

    def bind(self, inputs):
        """Take note of nothing."""

    def call(self):
        """Do nothing."""

    def outputs(self):
        return {}

    def close(self):
        """Hold nothing."""


def visits_of(rounds, *, preemptions=None, cpu_s=None, preparations=2, term=0):
    """Return one visit for each round, whose samples are the given durations."""
    return [
        Visit(
            round=number,
            preparation=number % preparations,
            term=term,
            start_s=float(number),
            rewarm=Samples(durations_s=(9.0,), clock="script"),
            samples=Samples(
                durations_s=tuple(samples),
                preemptions=preemptions and tuple(preemptions[number]),
                cpu_s=cpu_s and tuple(cpu_s[number]),
                clock="script",
            ),
        )
        for number, samples in enumerate(rounds)
    ]


QUICK = Protocol(preparations=2, rounds=6, min_rounds=6, samples=3, warmup=1, rewarm=1)
"""A protocol that takes no time on the fake; as many rounds as an interval needs."""


def small_study(stop=24, **changes):
    """Return a study of conv with 1 to ``stop`` output channels, quick on the fake."""
    fields = {
        "name": "small",
        "title": "a small study",
        "question": "does it grow in steps?",
        "spaces": (
            Space(
                kind="conv",
                base={"h": 6, "cin": 3, "k": 3},
                axes={"cout": Range(start=1, stop=stop)},
            ),
        ),
        "protocol": QUICK,
        "limits": Limits(cohort_size=6),
        "findings": (Question(kind="steps", x="cout"),),
    }
    return Study(**{**fields, **changes})
