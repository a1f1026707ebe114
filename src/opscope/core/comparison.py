"""Comparison: two sides, what is known of each configuration on both, and what follows from it."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from opscope.core.environment import Environment
from opscope.core.measurement import Measurement, Trust
from opscope.core.platform import Origin, PlatformInfo, PlatformName
from opscope.core.record import Record
from opscope.errors import ConfigurationError

Status = Literal["ok", "unsupported", "failed", "missing"]

_FORMS = "Write a platform, run:N, run:N/PLATFORM, FILE#N or FILE#N/PLATFORM."
_STORED = re.compile(r"(?:run:|(?P<file>.+)#)(?P<run>[1-9][0-9]*)(?:/(?P<platform>.+))?")


class SideName(Record, frozen=True, kw_only=True):
    """What a user names as one side: a platform to measure now, or a run that is kept.

    Attributes:
        platform: The platform; of a run that has only one it may be left out.
        run: Number of the run; absent for a platform to measure now.
        database: File that the run is kept in; the usual one where it is not named.
    """

    platform: str = ""
    run: int | None = None
    database: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the side that ``text`` spells: ``openvino-cpu``, ``run:3``, ``FILE.db#3/…``.

        Raises:
            ConfigurationError: If it is none of these forms.
        """
        if found := _STORED.fullmatch(text):
            platform = found["platform"] or ""
            return cls(
                platform=str(PlatformName.parse(platform)) if platform else "",
                run=int(found["run"]),
                database=Path(found["file"]) if found["file"] else None,
            )
        if text.startswith("run:") or "#" in text:
            raise ConfigurationError("this names no run", where=text, remedy=_FORMS)
        try:
            PlatformName.parse(text)
        except ConfigurationError as exc:
            raise ConfigurationError(exc.what, where=text, remedy=_FORMS) from exc
        return cls(platform=text)


class Side(Record, frozen=True, kw_only=True):
    """One side of a comparison, as it was found.

    Attributes:
        text: How the user named it.
        run: Number of the run its figures are from; absent where they were taken now.
        database: File of that run.
        python: Interpreter of its worker, where one was named.
        environment: Where it was measured, a kept run the last time; nothing where nobody noted it.
    """

    text: str
    platform: PlatformInfo
    environment: Environment | None = None
    run: int | None = None
    database: str = ""
    python: str = ""


class Paired(Record, frozen=True, kw_only=True):
    """What the turns of one sitting say of two figures: one worker process for each.

    Attributes:
        log_ratio: Logarithm of the second over the first: the mean over preparations of the middle
            of each one's rounds. Absent with too few.
        rounds: Rounds taken by both.
        doubt: Why they cannot be trusted; empty when they can.
    """

    log_ratio: float | None = None
    rounds: int
    doubt: str = ""


class Figure(Record, frozen=True, kw_only=True):
    """What one side has of one configuration.

    Attributes:
        reason: Why there is no figure; empty when there is.
        sampled: Whether it was sampled; a compiler's or simulator's report is not.
    """

    status: Status
    reason: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    origin: Origin | None = None
    derivation: str = ""
    trust: Trust = Trust()
    sampled: bool = False

    @classmethod
    def of(cls, measurement: Measurement) -> Self:
        """Return what a measurement says, without its raw readings."""
        return cls(
            status="ok",
            value=measurement.value,
            interval=measurement.interval,
            unit=measurement.unit,
            origin=measurement.origin,
            derivation=measurement.derivation,
            trust=measurement.trust,
            sampled=bool(measurement.stopped or measurement.visits or measurement.interval),
        )


class Outcome(StrEnum):
    """What a comparison shows."""

    LOWER = "B lower"
    HIGHER = "B higher"
    SAME = "no difference shown"
    UNKNOWN = "cannot be told"


class Compared(Record, frozen=True, kw_only=True):
    """One configuration on both sides.

    Attributes:
        ratio: B over A.
        interval: 95 %; absent where both are reports, or it cannot be told.
        statement: The outcome in words, as in ``B is faster by 4–6 %``.
        rounds: Rounds that both sides took in turns; 0 where they did not.
        sittings: The ratio in each sitting, with processes of its own.
    """

    workload: str
    a: Figure
    b: Figure
    outcome: Outcome
    statement: str
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    rounds: int = 0
    sittings: tuple[float, ...] = ()


class Overall(Record, frozen=True, kw_only=True):
    """All configurations together.

    Attributes:
        ratio: Geometric mean of the ratios B over A; absent where there is none.
        interval: 95 % of the mean over these configurations: of others it says nothing.
        counts: Configurations by outcome.
        by_chance: Configurations that at most would show a difference if there were none.
    """

    ratio: float | None
    interval: tuple[float, float] | None
    counts: dict[str, int]
    by_chance: int
    statement: str


class Comparison(Record, frozen=True, kw_only=True):
    """Two sides compared.

    Attributes:
        taken: How their figures belong together: in turns by round, or by configuration alone.
        only_a: Configurations that B lacks altogether.
        only_b: Those that A lacks.
    """

    a: Side
    b: Side
    quantity: str
    taken: Literal["in turns", "apart"]
    configurations: tuple[Compared, ...]
    overall: Overall
    only_a: int = 0
    only_b: int = 0
