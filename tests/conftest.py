"""Settings shared by every floor's tests."""

import os
import signal

import pytest
from hypothesis import settings

from opscope.meters.remembered import keep_contention

# In CI the same examples every time: a change is judged by what it changed. Elsewhere new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """Let Ctrl-C reach what tests start, as it does not where they run in a shell's background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_timing(tmp_path_factory):
    """Let workers wait for nobody else who times here, and know of contention what says nothing."""
    folder = tmp_path_factory.mktemp("timing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSCOPE_TIMING_LOCK", str(folder / "lock"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for _ in range(10):  # or each worker would watch the machine first
            keep_contention(100.0)
        yield
