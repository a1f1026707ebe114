import pytest

from opscope.core.space import Range
from opscope.engine.planner import plan
from opscope.engine.studies import builtin_studies, load_study, parse_study
from opscope.errors import StudyError

GOOD = """
name = "mine"
title = "Mine"
question = "?"

[[spaces]]
kind = "conv"
base = { h = 28, cin = 320, k = 3 }
axes.cout = { start = 4, stop = 16, step = 4 }

[[findings]]
kind = "steps"
x = "cout"
"""


def test_a_study_file_is_a_study():
    study = parse_study(GOOD, where="mine.toml")
    assert study.spaces[0].axes["cout"] == Range(start=4, stop=16, step=4)
    assert len(plan(study, ["fake"])) == 4


@pytest.mark.parametrize("name", builtin_studies())
def test_every_study_that_comes_with_opscope_is_named_as_its_file_and_can_be_planned(name):
    study = load_study(name)
    assert study.name == name
    assert study.source
    assert plan(study, ["fake"])


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_study(str(path)).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name =", "nmae =", "s.toml: unknown key 'nmae'. Did you mean 'name'?"),
        ('kind = "conv"', 'knid = "conv"', "s.toml: spaces[0]: unknown key 'knid'. Did you"),
        ('title = "Mine"', "", "s.toml: the key 'title' is missing."),
        ('title = "Mine"', "title = 3", "s.toml: title: expected `str`, got `int`."),
        ("step = 4", "step = 0", "s.toml: spaces[0].axes[...].step: expected `int` >= 1."),
        ("step = 4", "stp = 4", "s.toml: spaces[0].axes[...]: unknown key 'stp'. Did you"),
        ('kind = "steps"', 'kind = "stesp"', "findings[0].kind: there is no kind of finding"),
        ("question =", "question = = ", "s.toml: is not TOML: Invalid value (at line 4"),
        (
            "[[findings]]",
            '[[meters]]\nname = "time"\n[[findings]]',
            "s.toml: meters[0].name: there is no meter 'time'. "
            "There are: call-latency, latency, layer-latency.",
        ),
        (
            "[[findings]]",
            "[protocol]\nruonds = 3\n[[findings]]",
            "s.toml: protocol: unknown key 'ruonds'. Did you mean 'rounds'?",
        ),
        (
            "[[findings]]",
            "[protocol]\nrounds = 0\n[[findings]]",
            "s.toml: protocol.rounds: expected `int` >= 1.",
        ),
        (
            "[[findings]]",
            "[protocol]\npreparations = 0\n[[findings]]",
            "s.toml: protocol.preparations: expected `int` >= 1.",
        ),
        (
            "[[findings]]",
            "[limits]\nvisit_s = 0\n[[findings]]",
            "s.toml: limits.visit_s: expected `float` > 0.0.",
        ),
        ('title = "Mine"', 'title = ""\nbatches = [0]', "s.toml: batches[0]: expected `int` >= 1."),
        (
            'title = "Mine"',
            'title = ""\nprecisions = []',
            "s.toml: precisions: expected `array` of",
        ),
    ],
)
def test_a_fault_is_named_with_file_and_key(old, new, message):
    with pytest.raises(StudyError) as caught:
        parse_study(GOOD.replace(old, new, 1), where="s.toml")
    assert message in str(caught.value)


def test_an_unknown_study_lists_those_there_are():
    with pytest.raises(StudyError, match="Did you mean 'conv-channels'"):
        load_study("conv-chanels")


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"none\.toml: cannot be read"):
        load_study(str(tmp_path / "none.toml"))
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="cannot be read"):
        load_study(str(path))
