import io

import pytest
from rich.console import Console

from opscope.cli import progress
from opscope.core.forecast import Forecast
from opscope.engine.runner import Event

FORECAST = Forecast(
    budget_s=60.0, needed_s=90.0, least_s=9.0, rounds=20, precision=(0.03, 0.03), wanted=0.02
)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(progress, "time", clock := Clock())
    return clock


def shown(clock, *events, title="study", terminal=False):
    """Return what is printed for events that come 20 s apart."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with progress.Progress(console, title=title) as bar:
        for event in events:
            bar.update(event)
            clock.now += 20
    return console.file.getvalue()


def test_the_time_left_follows_from_the_pace_of_this_session(clock):
    found = Event(done=40, total=100)
    half = Event(done=59, total=100, ahead=1.0)  # 20 in 20 s, 40 to go
    assert shown(clock, found, half) == "study: 59 of 100 jobs, about 40 s left\n"


def test_waiting_and_trying_out_are_no_part_of_the_pace(clock):
    tried = Event(done=40, total=100, forecast=FORECAST)
    waiting = Event(done=40, total=100, waiting=True)
    half = Event(done=60, total=100)
    page = shown(clock, Event(done=40, total=100), tried, waiting, waiting, waiting, half)
    assert page.splitlines()[-1] == "study: 60 of 100 jobs, about 40 s left"


def test_lines_come_now_and_then_and_none_before_anything_was_done(clock):
    events = [Event(done=40, total=100)] * 3
    assert shown(clock, *events) == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_name_is_no_markup(clock, terminal):
    title = "conv [3x3] [/x]"
    events = (Event(done=0, total=2), Event(done=1, total=2))
    assert title in shown(clock, *events, title=title, terminal=terminal)


def test_elsewhere_it_is_said_once_what_is_waited_for(clock):
    waiting, going = (Event(done=0, total=2, waiting=waits) for waits in (True, False))
    page = shown(clock, waiting, waiting, going, waiting)
    assert page == "study (waiting: this machine is being timed by another opscope)\n"


def test_a_terminal_says_what_is_waited_for(clock):
    event = Event(done=0, total=2, waiting=True)
    assert "waiting: this machine is being timed" in shown(clock, event, terminal=True)


def test_a_terminal_counts_what_has_ended_and_is_kept(clock):
    page = shown(
        clock, Event(done=0, total=100), Event(done=59, total=100, ahead=5.0), terminal=True
    )
    assert "59/100" in page
    assert "64" not in page
