"""Forecast: what precision a study can have in a given time."""

from __future__ import annotations

from opscope.core.record import Record


class Forecast(Record, frozen=True, kw_only=True):
    """What is to be expected of a study in the time given.

    Attributes:
        budget_s: The time given, less what forecasting took.
        needed_s: Time at best until every job is as precise as its protocol asks, or out of rounds.
        least_s: Time for the least number of rounds.
        rounds: Rounds a typical job will have.
        precision: Half-width of a typical job's 95 % interval then, relative: at best and at worst.
        wanted: The half-width at which sampling stops.
        alone: Share of the rounds tried in which nothing else shared the processor's core.
    """

    budget_s: float
    needed_s: float
    least_s: float
    rounds: int
    precision: tuple[float, float]
    wanted: float
    alone: float = 1.0
