import numpy as np
import pytest

from opscope.errors import ConfigurationError
from opscope.graph.kinds import NORMAL, InputKind

CASES = [
    ("normal", "float32", None),
    ("normal", "float16", None),
    ("image", "float32", (0, 1)),
    ("image", "uint8", (0, 255)),
    ("image", "int8", (-128, 127)),
    ("image", "int64", (0, 255)),
    ("image255", "float32", (0, 255)),
    ("mask", "bool", (0, 1)),
    ("mask", "float32", (0, 1)),
    ("mask", "int64", (0, 1)),
    ("0..30521", "int64", (0, 30521)),
    ("-2..2", "int32", (-2, 2)),
    ("-1..1", "float32", (-1, 1)),
    ("0.5..4", "float64", (0.5, 4)),
]


@pytest.mark.parametrize(("text", "dtype", "bounds"), CASES)
def test_values_are_of_the_declared_kind_and_from_the_seed(text, dtype, bounds):
    kind = InputKind.parse(text)
    assert str(kind) == text
    assert kind.fits(dtype)
    first, again, other = (
        kind.draw((4, 500), dtype, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert str(first.dtype) == dtype
    if bounds:
        low, high = bounds
        assert first.min() >= low
        assert first.max() <= high
        assert float(first.max()) - float(first.min()) > 0.9 * (high - low)
    else:
        assert abs(first.astype(np.float64).mean()) < 0.1
        assert abs(first.astype(np.float64).std() - 1) < 0.1


def test_both_ends_of_a_range_of_integers_are_drawn():
    drawn = InputKind.parse("-2..2").draw((1000,), "int64", np.random.default_rng(0))
    assert set(drawn.tolist()) == {-2, -1, 0, 1, 2}


def test_no_row_of_a_mask_is_empty_and_few_are_full():
    mask = InputKind.parse("mask").draw((50, 16), "bool", np.random.default_rng(0))
    assert mask.any(axis=1).all()
    assert not mask.all()


def test_whole_pixels_are_whole():
    pixels = InputKind.parse("image255").draw((100,), "float32", np.random.default_rng(0))
    np.testing.assert_array_equal(pixels, pixels.round())


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("normal", "int64"),
        ("normal", "bool"),
        ("image", "bool"),
        ("0..300", "uint8"),
        ("-1..5", "uint8"),
        ("0.5..3", "int32"),
        ("image255", "int8"),
        ("0..2", "bool"),
    ],
)
def test_what_a_type_cannot_hold_does_not_fit(text, dtype):
    assert not InputKind.parse(text).fits(dtype)


@pytest.mark.parametrize("text", ["", "noise", "5..1", "1..", "..", "a..b", "1...2", "images"])
def test_other_kinds_are_refused_with_those_there_are(text):
    with pytest.raises(ConfigurationError, match="Use normal, image, image255, mask or a range"):
        InputKind.parse(text)
    assert NORMAL.name == "normal"
