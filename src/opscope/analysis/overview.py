"""Overview: all that a run says, computed once, for whoever draws it. The records only."""

from __future__ import annotations

from opscope.analysis.findings import Answers
from opscope.core.comparison import Figure
from opscope.core.configuration import Precision, Workload
from opscope.core.environment import Environment
from opscope.core.execution import Execution
from opscope.core.finding import Point
from opscope.core.measurement import Spread
from opscope.core.platform import Origin, PlatformInfo
from opscope.core.record import Record
from opscope.core.study import Study
from opscope.core.text import Value


class Row(Record, frozen=True, kw_only=True):
    """A trial as one line: what was asked, what came of it.

    Attributes:
        trial: Its number in the store.
        meter: What took its figure.
        parameters: Every parameter of its configuration, those at their default included.
        macs: Multiply-accumulates of a call, the batch included; absent where they cannot be
            counted.
        figure: The study's quantity, or why there is none.
        spread: Median and upper percentiles of every sample.
        samples: Timed calls behind the figure, disturbed ones too; 0 where nothing was sampled.
    """

    trial: int
    workload: Workload
    platform: str
    meter: str
    parameters: dict[str, Value]
    macs: int | None = None
    figure: Figure
    spread: Spread | None = None
    samples: int = 0
    execution: Execution | None = None


class Curve(Record, frozen=True, kw_only=True):
    """How one platform responds to the parameter that is swept.

    Attributes:
        points: By rising x, untrusted ones included and marked.
        expected: What MACs predict at each of these points, in the unit of y: the MACs there over
            the most MACs per second that any trusted point of the curve reaches. Absent where MACs
            are not known.
        recommended: Values of x worth using; none where no finding says so.
    """

    platform: str
    origin: Origin
    points: tuple[Point, ...]
    expected: tuple[float, ...] | None = None
    recommended: tuple[float, ...] = ()


class Sweep(Record, frozen=True, kw_only=True):
    """Curves that differ in their platform alone, to be laid over each other."""

    x: str
    quantity: str
    precision: Precision
    fixed: str
    curves: tuple[Curve, ...]


class Bars(Record, frozen=True, kw_only=True):
    """Blocks or networks side by side.

    Attributes:
        kind: What they are: ``block``, ``zoo``, ``backbone``, ``file``.
        meter: What took the figures, where others took the same quantity of the same kind.
        labels: Their configurations as text, by rising figure on the first platform that has one.
        figures: By platform, a trial's number for each label; None where it has no figure.
        left_out: How many more there are than a chart can show.
    """

    kind: str
    precision: Precision
    batch: int
    meter: str = ""
    labels: tuple[str, ...]
    figures: dict[str, tuple[int | None, ...]]
    left_out: int = 0


class Supported(Record, frozen=True, kw_only=True):
    """One cell of the support matrix: an operator, block or network on a platform at a precision.

    Attributes:
        subject: Kind and name, as in ``conv`` or ``block:mobilenet_v2``.
        outcomes: Trials by status: ``ok``, ``unsupported``, ``failed``.
        reasons: Why some gave no figure, with how many each.
    """

    subject: str
    platform: str
    precision: Precision
    outcomes: dict[str, int]
    reasons: dict[str, int]


class Site(Record, frozen=True, kw_only=True):
    """Where a platform's figures were taken.

    Attributes:
        environments: One for each different machine or software it was measured with; none where
            nobody noted them.
    """

    platform: PlatformInfo
    environments: tuple[Environment, ...]


class Overview(Record, frozen=True, kw_only=True):
    """Everything one run of a study says, at the time it was asked.

    Attributes:
        jobs: How many jobs the study is on these platforms; fewer rows mean that it is unfinished.
        quantity: What every figure is of, as in ``latency_s``.
        rows: Every trial of the platforms' newest fingerprints, oldest first.
        more_sweeps: How many further sweeps there are than can be looked at.
    """

    study: Study
    run: int
    started_at: str
    opscope: str
    jobs: int
    quantity: str
    answers: Answers
    rows: tuple[Row, ...]
    sweeps: tuple[Sweep, ...]
    bars: tuple[Bars, ...]
    support: tuple[Supported, ...]
    sites: tuple[Site, ...]
    more_sweeps: int = 0
