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
        ("step = 4", "step = 0", "s.toml: spaces[0].axes.cout.step: expected `int` >= 1."),
        ("step = 4", "stp = 4", "s.toml: spaces[0].axes.cout: unknown key 'stp'. Did you"),
        ('kind = "steps"', 'kind = "stesp"', "findings[0].kind: there is no kind of finding"),
        ("question =", "question = = ", "s.toml: is not TOML: Invalid value (at line 4"),
        (
            "[[findings]]",
            '[[meters]]\nname = "time"\n[[findings]]',
            "s.toml: meters[0].name: there is no meter 'time'. "
            "There are: call-latency, latency, layer-latency, operator-times, throughput.",
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
        (
            'x = "cout"',
            'x = "cuot"',
            "s.toml: findings[0].x: there is no axis of numbers 'cuot'. Did you mean 'cout'? There",
        ),
        (
            'x = "cout"',
            'x = "h"',
            "s.toml: findings[0].x: there is no axis of numbers 'h'. There are: cout.",
        ),
        (
            "axes.cout",
            "axes.cuot",
            "s.toml: spaces[0].axes.cuot: conv:h=28,cin=320,k=3,cuot=4: unknown parameter 'cuot'. "
            "Did you mean 'cout'?",
        ),
        (
            'x = "cout"',
            'x = "cout"\nquantity = "latncy_s"',
            "s.toml: findings[0].quantity: there is no quantity 'latncy_s'. Did you mean "
            "'latency_s'? There are: cycles, latency_s.",
        ),
        (
            'title = "Mine"',
            'title = ""\nprecisions = ["int9"]',
            "s.toml: precisions[0]: invalid enum value 'int9'. Use one of fp32, bf16,",
        ),
        ('title = "Mine"', "title = 3", "got `int`. Use a text."),
        (
            'title = "Mine"',
            f'title = ""\nbatches = [1, {10**23}]',
            "s.toml: batches[1]: expected `int` <= 65536. Use a whole number from 1 to 65,536.",
        ),
        ('title = "Mine"', "", "Needed are name, title, question, spaces."),
        ("step = 4", "step = 0", "expected `int` >= 1. Use a whole number of at least 1."),
        (
            "{ start = 4, stop = 16, step = 4 }",
            "3",
            "s.toml: spaces[0].axes.cout: expected `object | array`, got `int`. Use a list: […], or"
            " a table: {…}.",
        ),
        (
            "k = 3",
            '"k 3" = true',
            's.toml: spaces[0].base."k 3": expected `int | float | str`, got `bool`. Use a whole',
        ),
    ],
)
def test_a_fault_is_named_with_file_and_key(old, new, message):
    with pytest.raises(StudyError) as caught:
        parse_study(GOOD.replace(old, new, 1), where="s.toml")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "k = 3",
            'k = "3"',
            "spaces[0].base.k: conv:h=28,cin=320,k=3,cout=4: k=3 does not fit: expected `int`, got "
            "`str`. Use a whole number from 1 to 65,536.",
        ),
        (
            "h = 28, cin = 320, k = 3",
            "h = 28, cin = 320",
            "spaces[0]: conv:h=28,cin=320,cout=4: k is missing. Needed are h, cin, cout, k. Give k "
            "in base or in axes.",
        ),
        ('kind = "conv"', 'kind = "cnov"', "spaces[0].kind: cnov:h=28,cin=320,k=3,cout=4: there"),
        ('kind = "conv"', 'kind = "pool"\nname = "mxa"', "spaces[0].name: pool:mxa,h=28"),
        (
            'kind = "conv"',
            'kind = "conv"\nconstraints = ["cout > 1", "cout % x == 0"]',
            "spaces[0].constraints[1]: 'cout % x == 0': 'x' is not a parameter here",
        ),
        (
            'kind = "conv"',
            'kind = "conv"\nderived = { w = "h +" }',
            "spaces[0].derived.w: 'h +': is not an expression",
        ),
        ("k = 3", "k = inf", "spaces[0].base.k: inf is not a finite number. Use"),
    ],
)
def test_a_fault_in_a_space_is_named_with_its_key_and_its_own_remedy(old, new, message):
    with pytest.raises(StudyError) as caught:
        plan(parse_study(GOOD.replace(old, new, 1), where="s.toml"), ["fake"])
    assert str(caught.value).startswith(message)
    assert "keep such points out" not in str(caught.value)


def test_a_question_may_be_about_what_follows_from_an_axis_or_a_platform_reports():
    text = GOOD.replace('x = "cout"', 'x = "w"\nquantity = "cycles"')
    study = parse_study(text.replace("axes.", 'derived = { w = "cout" }\naxes.'), where="s.toml")
    assert study.findings[0].quantity == "cycles"


def test_what_nests_too_deeply_is_not_toml():
    with pytest.raises(StudyError, match=r"s\.toml: is not TOML"):
        parse_study(f"name = {'[' * 9999}{']' * 9999}", where="s.toml")


def test_an_unknown_study_lists_those_there_are():
    with pytest.raises(StudyError, match="Did you mean 'conv-channels'"):
        load_study("conv-chanels")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.toml", "No such file or directory. Name a .toml file that exists."),
        ("folder.toml", "Is a directory. Name a .toml file in it."),
        ("binary.toml", "it is not text in UTF-8. Name a .toml file, or save it as UTF-8."),
        ("binary.toml/s.toml", "Not a directory. Name a .toml file that exists."),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_remedy(tmp_path, name, message):
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError) as caught:
        load_study(str(tmp_path / name))
    assert str(caught.value) == f"{tmp_path / name}: cannot be read: {message}"


def test_a_mark_of_the_byte_order_is_no_part_of_the_study(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert load_study(str(path)).name == "mine"
