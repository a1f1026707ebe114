"""Finding: what measurements say, its evidence, cause and implication; and what they do not say."""

from __future__ import annotations

from opscope.core.measurement import Trust
from opscope.core.platform import Origin
from opscope.core.record import Record


class Point(Record, frozen=True, kw_only=True):
    """One measured point of a response.

    Attributes:
        trial: Number of the trial in the store; the evidence.
        interval: 95 % interval of ``y``, where there is one.
        untrusted: Why the figure may not be relied on; empty when it may.
    """

    x: float
    y: float
    trial: int
    interval: tuple[float, float] | None = None
    untrusted: str = ""


class Effect(Record, frozen=True, kw_only=True):
    """A size that carries the finding, with its 95 % interval where there is one."""

    name: str
    value: float
    unit: str
    interval: tuple[float, float] | None = None


class Guideline(Record, frozen=True, kw_only=True):
    """A finding made usable: the values of a parameter worth keeping in a design space."""

    parameter: str
    allowed: tuple[float, ...]
    of: int


class Finding(Record, frozen=True, kw_only=True):
    """A characteristic of a platform, how it is known, why it is so, what to do.

    Attributes:
        subject: The platform and precision it is about.
        fixed: The parameters that did not vary, as text.
        x: The parameter that varied.
        quantity: What responded, with its unit in the name.
        verdict: The shape of the response in one word.
        characteristic: What the response does that counts alone would not tell.
        effects: The sizes behind it.
        left_out: How many points could not take part, by reason.
    """

    kind: str
    study: str
    platform: str
    fingerprint: str
    precision: str
    fixed: str
    x: str
    quantity: str
    verdict: str
    characteristic: str
    cause: str
    implication: str
    points: tuple[Point, ...]
    effects: tuple[Effect, ...] = ()
    edges: tuple[tuple[float, float], ...] = ()
    guideline: Guideline | None = None
    origin: Origin
    derivation: str
    trust: Trust = Trust()
    left_out: dict[str, int] = {}


class Unanswered(Record, frozen=True, kw_only=True):
    """A finding that was asked for and cannot be drawn, since too few points came out.

    Attributes:
        fixed: The parameters that did not vary; empty if no configuration varied ``x`` alone.
        points: Different values of ``x`` that have a usable figure.
        needed: How many it takes.
        left_out: How many trials have no usable figure, by reason.
    """

    kind: str
    x: str
    quantity: str
    platform: str
    precision: str = ""
    fixed: str = ""
    points: int
    needed: int
    left_out: dict[str, int] = {}


class Failure(Record, frozen=True, kw_only=True):
    """Jobs that ended without a figure on one platform for one reason.

    Attributes:
        status: ``failed`` or ``unsupported``.
        example: One of their workloads.
        reason: The first line of what that one ended with.
    """

    status: str
    platform: str
    count: int
    example: str
    reason: str
