"""Settings shared by every floor's tests."""

import os

import pytest
from hypothesis import settings

# In CI the same examples every time: a change is judged by what it changed. Elsewhere new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session", autouse=True)
def _own_timing(tmp_path_factory):
    """Keep workers from waiting for whoever else is timing on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSCOPE_TIMING_LOCK", str(tmp_path_factory.mktemp("timing") / "lock"))
        yield
