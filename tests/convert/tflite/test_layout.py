import numpy as np
import pytest

from opscope.convert.tflite.layout import NHWC, plain, reshaped, stored, transposed


@pytest.mark.parametrize(
    ("shape", "order", "target", "before", "after"),
    [
        ((2, 6, 4, 5), NHWC, (2, 3, 2, 4, 5), NHWC, (0, 3, 4, 1, 2)),
        ((2, 3, 2, 4, 5), (0, 3, 4, 1, 2), (2, 6, 4, 5), (0, 3, 4, 1, 2), NHWC),
        ((2, 2, 3, 4, 5), (0, 3, 4, 2, 1), (2, 6, 4, 5), (0, 3, 4, 1, 2), NHWC),
        ((2, 6, 1, 1), NHWC, (2, 6), NHWC, plain(2)),
        ((2, 6), plain(2), (2, 6, 1, 1), plain(2), NHWC),
        ((2, 6, 4, 5), NHWC, (2, 120), plain(4), plain(2)),
        ((1, 6, 4, 5), NHWC, (6, 20), (0, 2, 3, 1), (1, 0)),
        ((2, 6), plain(2), (3, 4), plain(2), plain(2)),
    ],
)
def test_axes_are_brought_together_only_where_they_are_joined_apart(
    shape, order, target, before, after
):
    assert reshaped(shape, order, target) == (before, after)
    values = np.arange(np.prod(shape)).reshape(shape)
    result = values.transpose(before).reshape(stored(target, after))
    assert np.array_equal(result, values.reshape(target).transpose(after))


def test_a_transposed_tensor_is_the_same_elements_in_another_order():
    values = np.arange(120).reshape(2, 3, 4, 5)
    perm = (2, 0, 3, 1)
    moved = values.transpose(perm)
    assert np.array_equal(moved.transpose(transposed(NHWC, perm)), values.transpose(NHWC))
