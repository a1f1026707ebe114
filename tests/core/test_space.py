import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opscope.core.space import Range, Space
from opscope.errors import StudyError

axes = st.dictionaries(
    st.sampled_from("abc"),
    st.lists(st.integers(0, 50), min_size=1, max_size=5, unique=True).map(tuple),
    min_size=1,
)


def test_one_factor_varies_each_axis_by_itself_and_lists_the_base_once():
    space = Space(kind="conv", base={"k": 3, "s": 1}, axes={"k": (1, 3), "s": (1, 2)})
    points = [(point["k"], point["s"]) for point in space.points()]
    assert sorted(points) == [(1, 1), (3, 1), (3, 2)]


@given(axes)
def test_a_grid_has_every_combination_once(values):
    points = Space(kind="x", expand="grid", axes=values).points()
    expected = 1
    for axis in values.values():
        expected *= len(axis)
    assert len(points) == expected
    assert len({tuple(sorted(point.items())) for point in points}) == expected


@given(axes, st.integers(0, 5))
def test_a_sample_is_a_part_of_the_grid_and_repeats_with_its_seed(values, seed):
    grid = Space(kind="x", expand="grid", axes=values).points()
    space = Space(kind="x", expand="sample", axes=values, count=len(grid) // 2 + 1, seed=seed)
    points = space.points()
    assert len(points) == len(grid) // 2 + 1
    assert all(point in grid for point in points)
    assert points == space.points()


def test_another_seed_draws_another_sample():
    spaces = [
        Space(kind="x", expand="sample", axes={"a": Range(start=1, stop=99)}, count=9, seed=seed)
        for seed in (1, 2)
    ]
    assert spaces[0].points() != spaces[1].points()


def test_constraints_and_derived_parameters_follow_the_axes():
    space = Space(
        kind="conv",
        expand="grid",
        axes={"cin": (4, 6), "groups": (1, 2, 4)},
        derived={"cout": "2 * cin"},
        constraints=("cin % groups == 0",),
    )
    points = [(p["cin"], p["groups"], p["cout"]) for p in space.points()]
    assert points == [(4, 1, 8), (4, 2, 8), (4, 4, 8), (6, 1, 12), (6, 2, 12)]


def test_a_range_includes_both_ends():
    assert Range(start=4, stop=16, step=4).values() == (4, 8, 12, 16)
    assert Range(start=4, stop=15, step=4).values() == (4, 8, 12)


def test_a_space_without_axes_is_its_base():
    assert Space(kind="conv", base={"k": 3}).points() == [{"k": 3}]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"axes": {"a": ()}}, "axes.a: has no values"),
        ({"axes": {"a": Range(start=5, stop=1)}}, "axes.a: has no values"),
        ({"axes": {"a": (1,)}, "constraints": ("a > 1",)}, "no point satisfies"),
        ({"axes": {"a": (1,)}, "count": 1}, "belongs to expand"),
        ({"axes": {"a": (1,)}, "expand": "sample"}, "belongs to expand"),
        ({"axes": {"a": (1,)}, "expand": "sample", "count": 2}, "cannot draw 2 of 1"),
        ({"axes": {"a": (1,)}, "derived": {"a": "1"}}, "derived.a: is an axis too"),
        (
            {"expand": "grid", "axes": dict.fromkeys("abc", Range(start=1, stop=101))},
            "1,030,301 points",
        ),
        *(
            (
                {"axes": {"a": Range(start=1, stop=stop), "b": (1,)}, **expand},
                f"axes: the space has {points:,} points, more than 1,000,000. Take fewer values",
            )
            for stop in (10**11, 10**29)
            for expand, points in (
                ({}, stop + 1),
                ({"expand": "grid"}, stop),
                ({"expand": "sample", "count": 3}, stop),
            )
        ),
        ({"axes": {"a": (1, math.nan)}}, "axes.a: nan is not a finite number"),
        ({"axes": {"a": (1,)}, "constraints": ("a == '\0'",)}, "is not an expression"),
    ],
)
def test_an_impossible_space_is_refused(fields, complaint):
    with pytest.raises(StudyError, match=complaint):
        Space(kind="x", **fields).points()
