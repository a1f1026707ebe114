"""The worker process: reads requests on its input, answers on its output, a JSON line each.

Started as ``python -m opscope.engine.service RECORDER_DESCRIPTOR PARENT_PID``. What runtimes print
goes to standard error, so that no chatter can break the protocol.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import BinaryIO

import msgspec

from opscope.core.readings import Visit
from opscope.core.study import Cohort
from opscope.core.trial import Trial
from opscope.engine import machine
from opscope.engine.messages import (
    Answer,
    Describe,
    Described,
    Done,
    Finished,
    Measure,
    Ready,
    Refused,
    Request,
    Started,
    Waiting,
)
from opscope.engine.recorder import FlightRecorder, Position
from opscope.engine.turns import Leave, Turns
from opscope.engine.witness import Probes, watched
from opscope.engine.worker import CohortRun
from opscope.errors import OpscopeError, WorkerError
from opscope.meters.contention import least_of, lowered
from opscope.meters.environment import read_environment
from opscope.meters.remembered import is_well_known, keep_contention, least_contention
from opscope.platforms.base import Platform
from opscope.platforms.registry import load_platform
from opscope.stats.location import LEAST_ROUNDS

Say = Callable[[Answer], None]
Ask = Callable[[Mapping[int, Sequence[Visit]]], Leave]
Opened = Callable[[str], tuple[Platform, Probes]]


def main() -> None:
    """Serve requests until the input ends."""
    recorder = FlightRecorder(int(sys.argv[1]))
    machine.die_with_parent(int(sys.argv[2]))
    machine.limit_memory()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    encoder = msgspec.json.Encoder()

    def say(answer: Answer) -> None:
        answers.write(encoder.encode(answer) + b"\n")
        answers.flush()

    serve(sys.stdin.buffer, say, recorder)


def serve(requests: BinaryIO, say: Say, recorder: FlightRecorder) -> None:
    """Answer each line of ``requests``."""
    decoder = msgspec.json.Decoder(Request)
    opened = functools.cache(_opened)  # a platform and its probes serve every cohort

    def ask(visits: Mapping[int, Sequence[Visit]]) -> Leave:
        say(Ready(visits={index: tuple(found) for index, found in visits.items()}))
        leave = decoder.decode(requests.readline())
        if not isinstance(leave, Leave):
            raise WorkerError(f"{type(leave).__name__} was asked where leave was waited for")
        return leave

    for line in requests:
        request = decoder.decode(line)
        try:
            match request:
                case Describe():
                    recorder.write(Position(phase="opening"))
                    platform, _ = opened(request.platform)
                    say(Described(info=platform.info(), environment=read_environment()))
                case Measure():
                    say(Done(release_s=_measure(request, opened, say, recorder, ask)))
        except OpscopeError as exc:
            say(
                Refused(error=type(exc).__name__, what=exc.what, where=exc.where, remedy=exc.remedy)
            )


def _opened(name: str) -> tuple[Platform, Probes]:
    with machine.time_limit(machine.OPENING_LIMIT_S):
        platform = load_platform(name)
    machine.keep_for_good()
    return platform, Probes(platform)


def _measure(
    request: Measure, opened: Opened, say: Say, recorder: FlightRecorder, ask: Ask
) -> float:
    """Measure a cohort; return the seconds that giving back its deployments took."""
    cohort, origin_s = request.cohort, request.turns_from_s
    turns = None if origin_s is None else Turns(origin_s, ask)

    def emit(index: int, trial: Trial) -> None:
        say(Finished(index=index, trial=trial))

    def wait() -> None:
        recorder.write(Position(phase="waiting"))
        say(Waiting())

    timing = machine.sole_timing(wait) if cohort.timed and request.sole else nullcontext()
    with timing:
        recorder.write(Position(phase="opening"))
        say(Started())
        platform, probes = opened(cohort.platform)
        seen = _watched(cohort, probes)
        known = lowered(lowered(cohort.reference, least_contention()), seen)
        cohort = msgspec.structs.replace(cohort, reference=known)
        run = CohortRun(cohort, platform, recorder, emit, probes=probes, turns=turns)
        run.measure()
        least = least_of(run.rounds)
        if least is not None and len(run.rounds) >= LEAST_ROUNDS:
            keep_contention(min(least, seen or least))
    return run.release_s


def _watched(cohort: Cohort, probes: Probes) -> float | None:
    """Return what contention is with the core alone, watched for on a machine that is little known.

    Else its first jobs would be judged by whatever the few rounds until then happened to see.
    """
    return None if cohort.protocol.shared_core or is_well_known() else watched(probes)


if __name__ == "__main__":
    main()
