import pytest

from opscope.errors import ConfigurationError
from opscope.graph.importers.declarations import (
    Declarations,
    assign,
    format_items,
    format_shape,
    parse_shape,
)
from opscope.graph.kinds import NORMAL, InputKind


def test_text_and_python_declare_the_same():
    text = Declarations.parse("ids:1x128+serving:0:Nx3", "ids:0..9+serving:0:mask")
    python = Declarations.of(
        {"ids": (1, 128), "serving:0": "Nx3"}, {"ids": "0..9", "serving:0": InputKind(name="mask")}
    )
    assert text == python
    assert text.shapes == (("ids", (1, 128)), ("serving:0", ("N", 3)))
    assert format_items(text.kinds, named=True) == "ids:0..9+serving:0:mask"
    assert Declarations.parse("2x3").shapes == (("", (2, 3)),)
    assert format_shape(parse_shape("Nx3x224x224")) == "Nx3x224x224"


@pytest.mark.parametrize("text", ["1x", "x1", "1xn", "-1x3", "1,3", "1 x 3", "1x2.5", "9" * 30])
def test_shapes_are_sizes_separated_by_x(text):
    with pytest.raises(ConfigurationError, match="is not a shape"):
        parse_shape(text)


def test_inputs_are_declared_once_and_by_name_where_there_are_several():
    with pytest.raises(ConfigurationError, match="'a' is declared twice"):
        Declarations.parse("a:1+a:2")
    with pytest.raises(ConfigurationError, match="two inputs lack their names"):
        Declarations.parse("1+2")
    assert assign([("", NORMAL)], ["x"], "input") == {"x": NORMAL}
    with pytest.raises(ConfigurationError, match="does not say which of 2 inputs"):
        assign([("", NORMAL)], ["x", "y"], "input")
    with pytest.raises(ConfigurationError, match=r"input 'z', which .* inputs: x, y\."):
        assign([("z", NORMAL)], ["x", "y"], "input")
