"""What a study compares before it is run: lines along one parameter, few enough to draw."""

from opscope.analysis.designs import designs
from opscope.api.kept import parameters_kept
from opscope.core.space import Range, Space
from opscope.engine.planner import configurations
from tests.builders import small_study


def chosen(*spaces, **changes):
    study = small_study(spaces=spaces, **changes)
    return designs(study, [(item, parameters_kept(item)) for item in configurations(study)])


def conv(axes, **base):
    return Space(kind="conv", base={"h": 6, "cin": 3, "k": 3} | base, axes=axes, expand="grid")


def test_a_study_is_seen_along_what_it_asks_about():
    found = chosen(conv({"cout": (8, 4, 2), "k": (1, 3)}))
    assert (found.count, found.x, found.left_out) == (6, "cout", 0)
    assert [line.fixed for line in found.lines] == ["conv:h=6,cin=3,k=1", "conv:h=6,cin=3,k=3"]
    assert [[x for x, _ in line.points] for line in found.lines] == [[2, 4, 8]] * 2


def test_else_along_what_varies():
    found = chosen(conv({"h": (6, 7)}, cout=8), findings=())
    assert (found.x, [line.fixed for line in found.lines]) == ("h", ["conv:cin=3,cout=8,k=3"])


def test_many_lines_are_left_out_and_long_ones_thinned_between_their_ends():
    many = conv({"cin": Range(start=1, stop=11), "cout": (1, 2)})
    found = chosen(many, conv({"cout": Range(start=1, stop=500)}, cin=20))
    assert (len(found.lines), found.left_out) == (8, 4)
    longest = [x for x, _ in found.lines[0].points]
    assert (longest[0], longest[-1], len(longest)) == (1, 500, 64)


def test_names_alone_give_no_line():
    found = chosen(Space(kind="zoo", name="resnet18", base={"input": 64}), findings=())
    assert (found.count, found.x, found.lines) == (1, "", ())
