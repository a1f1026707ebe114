import types
from importlib.metadata import EntryPoint

import pytest

from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.platforms.registry import GROUP, list_platforms, open_platform

FAKE = EntryPoint("fake", "opscope.platforms.fake:family", GROUP)
BROKEN = EntryPoint("broken", "opscope.no_such_module:family", GROUP)


def test_finds_the_families_that_come_with_opscope():
    names = [listing.name for listing in list_platforms()]
    assert {"fake", "onnxruntime-cpu", "openvino-cpu"} <= set(names)


def test_a_broken_family_is_one_row_and_hides_no_other():
    rows = {row.name: row for row in list_platforms([BROKEN, FAKE])}
    assert rows["fake"].available
    assert not rows["broken"].available
    assert "no_such_module" in rows["broken"].reason


def test_what_is_available_comes_first_and_the_rest_in_order():
    names = [row.name for row in list_platforms([BROKEN, FAKE])]
    assert names == ["fake", "fake-compiler", "broken"]


def test_opens_beside_a_broken_family_and_says_why_the_broken_one_does_not():
    assert open_platform("fake:period=4", [BROKEN, FAKE]).info().name == "fake:period=4"
    with pytest.raises(PlatformUnavailable, match="Reinstall"):
        open_platform("broken", [BROKEN, FAKE])


def test_a_family_that_cannot_even_be_listed_is_one_row_too(monkeypatch):
    def break_down(_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("opscope.testing.faulty", faulty := types.ModuleType("f"), raising=False)
    faulty.family = type("Family", (), {"listings": break_down})()
    point = EntryPoint("faulty", "opscope.testing:faulty.family", GROUP)
    rows = {row.name: row for row in list_platforms([point, FAKE])}
    assert not rows["faulty"].available
    assert "ZeroDivisionError: by zero" in rows["faulty"].reason
    assert open_platform("fake", [FAKE, point])
    with pytest.raises(PlatformUnavailable, match="by zero"):
        open_platform("faulty", [FAKE, point])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigurationError, match="Did you mean 'fake'"):
        open_platform("fakee", [FAKE])


@pytest.mark.parametrize("text", ["fake:period=0", "fake:period=x", "fake:period=2.5", "fake:x"])
def test_an_impossible_option_is_refused(text):
    with pytest.raises(ConfigurationError):
        open_platform(text, [FAKE])
