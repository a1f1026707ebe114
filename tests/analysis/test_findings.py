import pytest

from opscope.analysis.findings import Answers, answer
from opscope.core.study import Question
from tests.analysis.test_responses import conv, evidence
from tests.builders import small_study


def answers(items, x="cout"):
    return answer(small_study(findings=(Question(kind="steps", x=x),)), items)


def failed(text, reason, status="failed"):
    return evidence(text, 1.0, status=status, reason=reason)


@pytest.mark.parametrize(("points", "drawn"), [(5, 0), (6, 1)])
def test_a_finding_takes_six_points_and_is_missed_below(points, drawn):
    found = answers([evidence(conv(c), float(c)) for c in range(1, points + 1)])
    assert (len(found.findings), len(found.unanswered)) == (drawn, 1 - drawn)


def test_what_is_missing_says_how_many_points_there_are_and_why_no_more():
    items = [evidence(conv(c), 1.0) for c in (1, 2)]
    items += [failed(conv(c), f"no memory for {c} kernels") for c in (3, 4, 5)]
    (item,) = answers(items).unanswered
    assert (item.points, item.needed) == (2, 6)
    assert (item.platform, item.precision, item.fixed) == ("fake", "fp32", "conv:h=6,cin=3,k=3")
    assert item.left_out == {"no memory for 3 kernels": 3}


def test_where_everything_failed_the_finding_is_missed_all_the_same():
    (item,) = answers([failed(conv(c), "no") for c in (1, 2)]).unanswered
    assert (item.points, item.left_out) == (0, {"no": 2})


def test_what_was_never_varied_is_one_line_for_each_platform_and_not_one_for_each_point():
    (item,) = answers([evidence(conv(c), 1.0) for c in range(1, 9)], x="h").unanswered
    assert (item.platform, item.x, item.fixed, item.points) == ("fake", "h", "", 0)


def test_failures_are_grouped_by_status_platform_and_reason():
    items = [evidence(conv(1), 1.0)]
    items += [failed(conv(2), "it broke")]
    items += [failed(conv(c), f"node {c} is odd\n  at line {c}") for c in (3, 4)]
    items += [failed(conv(5), "it broke", status="unsupported")]
    found = [(f.count, f.status, f.reason, f.example) for f in answers(items).failures]
    assert found == [
        (2, "failed", "node 3 is odd", "conv:h=6,cin=3,cout=3,k=3@fp32"),
        (1, "failed", "it broke", "conv:h=6,cin=3,cout=2,k=3@fp32"),
        (1, "unsupported", "it broke", "conv:h=6,cin=3,cout=5,k=3@fp32"),
    ]


def test_a_failure_without_a_word_says_that():
    (failure,) = answers([failed(conv(1), "\n")]).failures
    assert failure.reason == "no reason was given"


def test_without_trials_there_is_nothing_to_say():
    assert answers([]) == Answers()
