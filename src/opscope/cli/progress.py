"""Progress of a run: a bar with the time left in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from opscope.cli.app import WAITING
from opscope.engine.runner import Event
from opscope.report.terminal import forecast_line
from opscope.report.units import duration

_LINE_EVERY_S = 15.0


class Progress:
    """Shows a run's events as they come.

    The time left follows from the pace of this session, work on unfinished jobs included, waiting
    and trying out what the time is good for apart.
    """

    def __init__(self, console: Console, *, title: str) -> None:
        self._console = console
        self._title = title
        self._start = self._last_line = time.monotonic()
        self._found: int | None = None
        self._waited = False
        self._waiting_since: float | None = None
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[ended]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=None, ended="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, event: Event) -> None:
        """Show how far the run is."""
        if self._found is None:
            self._found = event.done
        self._keep_time(event)
        if event.forecast:
            self._console.print(forecast_line(event.forecast), markup=False)
        text = f"{self._title} ({WAITING})" if event.waiting else self._title
        done = event.done + event.ahead
        ended = f"{event.done}/{event.total}"
        self._bar.update(
            self._task, completed=done, total=event.total, description=text, ended=ended
        )
        if not self._console.is_terminal:
            if event.waiting and not self._waited:
                self._waited = True
                self._console.print(text, markup=False)
            self._line(event, done - self._found)

    def _keep_time(self, event: Event) -> None:
        """Have the pace begin anew after a forecast, and leave out what was spent waiting."""
        now = time.monotonic()
        if event.forecast:
            self._start = now
        elif self._waiting_since is not None:
            self._start += now - self._waiting_since
        self._waiting_since = now if event.waiting else None

    def _line(self, event: Event, work: float) -> None:
        now = time.monotonic()
        if now - self._last_line < _LINE_EVERY_S or work <= 0:
            return
        self._last_line = now
        left_s = (event.total - event.done - event.ahead) * (now - self._start) / work
        self._console.print(
            f"{self._title}: {event.done} of {event.total} jobs, about {duration(left_s)} left",
            markup=False,
        )
