import pytest

from opscope.core.expression import evaluate
from opscope.errors import StudyError

NAMES = {"cin": 32, "cout": 64, "groups": 4, "act": "relu"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cin % groups == 0", True),
        ("cin < cout <= 2 * cin", True),
        ("cin > cout or groups == 4", True),
        ("cin > cout and groups == 4", False),
        ("not cin > cout", True),
        ("2 * cin + 1", 65),
        ("-cin // 5", -7),
        ("cout / 128", 0.5),
        ("act == 'relu'", True),
    ],
)
def test_arithmetic_and_comparisons_have_their_value(text, value):
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "cin.real",
        "cin[0]",
        "[c for c in (1, 2)]",
        "lambda: 1",
        "cin ** cin",
        "act * 1000",
        "cin in (1, 2)",
        "cin if cout else 1",
        "f'{cin}'",
        "1 +",
        "cin / 0",
        "act < cin",
        "cin + " * 60 + "1",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(StudyError):
        evaluate(text, NAMES)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(StudyError, match="known: act, cin, cout, groups"):
        evaluate("cinn == 1", NAMES)
