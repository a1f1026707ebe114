"""Operator times by hand: what belongs to a copy, and the means over copies and preparations."""

import pytest

from opscope.platforms.base import ExecutedNode
from opscope.platforms.operator_times import operator_times, total_s


def node(name, *sources, kind="Conv", time_s=2e-6):
    return ExecutedNode(name=name, kind=kind, sources=sources, time_s=time_s)


STACK = (
    node("n0", "stem/a"),
    node("n1", "copy0/a", "copy0/b"),
    node("n2", "copy0/c", time_s=5e-6),
    node("n3", kind="Reorder"),
    node("n4", "copy1/a", "copy1/b", time_s=4e-6),
    node("n5", "copy1/c", "end1/pool", time_s=5e-6),
    node("n6", "end0/pool"),
)


def test_steps_of_a_stack_are_those_of_one_copy_with_the_mean_over_all():
    steps = operator_times(2, [STACK])
    assert [(step.name, step.sources) for step in steps] == [
        ("a + b", ("a", "b")),
        ("c", ("c",)),
    ]
    assert [step.time_s for step in steps] == pytest.approx([3e-6, 5e-6])
    assert total_s(steps) == pytest.approx(8e-6)


def test_a_copy_that_another_kernel_computes_has_a_step_of_its_own():
    odd = node("n4", "copy1/a", "copy1/b", kind="FusedConv", time_s=4e-6)
    steps = operator_times(2, [(STACK[1], odd)])
    assert [(step.kind, step.time_s) for step in steps] == [
        ("Conv", pytest.approx(1e-6)),
        ("FusedConv", pytest.approx(2e-6)),
    ]


def test_steps_of_a_network_are_all_that_were_timed_those_added_among_them():
    network = (node("n0", "a"), node("n1", kind="Reorder"), node("n2", "b", time_s=None))
    assert operator_times(0, [network]) == network[:2]


def test_times_are_means_over_preparations():
    first = (node("r1", kind="Reorder"), node("a", "a"), node("r2", kind="Reorder", time_s=4e-6))
    other = (node("r7", kind="Reorder"), node("a", "a"), node("r9", kind="Reorder", time_s=8e-6))
    steps = operator_times(0, [first, other])
    assert [step.name for step in steps] == ["r1", "a", "r2"]
    assert [step.time_s for step in steps] == pytest.approx([2e-6, 2e-6, 6e-6])


def test_what_took_no_times_has_none():
    assert operator_times(2, [[node("n0", "copy0/a", time_s=None)]]) == ()
    assert total_s(()) is None
