from pathlib import Path

import pytest

from opscope.core.comparison import SideName
from opscope.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("openvino-cpu:threads=2", SideName(platform="openvino-cpu:threads=2")),
        ("run:3", SideName(run=3)),
        ("run:12/fake:period=8", SideName(run=12, platform="fake:period=8")),
        ("other.db#3", SideName(run=3, database=Path("other.db"))),
        (
            "/a#1/b.db#3/fake",
            SideName(run=3, platform="fake", database=Path("/a#1/b.db")),
        ),
    ],
)
def test_a_side_is_a_platform_or_a_run(text, side):
    assert SideName.parse(text) == side


@pytest.mark.parametrize("text", ["run:", "run:0", "run:x/fake", "other.db#", "#", "", "a b"])
def test_what_names_neither_is_refused_with_the_forms(text):
    with pytest.raises(ConfigurationError, match="FILE#N/PLATFORM"):
        SideName.parse(text)
