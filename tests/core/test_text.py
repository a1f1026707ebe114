import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opscope.core.text import format_text, model_text, parse_text, parse_value
from opscope.errors import ConfigurationError

words = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True)
values = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), words
).filter(lambda value: parse_value(str(value)) == value)


@given(words, st.one_of(st.just(""), words), st.dictionaries(words, values, max_size=4))
def test_a_text_is_read_back_as_it_was_written(head, name, parameters):
    text = format_text(head, name, parameters.items())
    assert parse_text(text) == (head, name, tuple(parameters.items()))


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused_in_words(text):
    with contextlib.suppress(ConfigurationError):
        head, _, _ = parse_text(text)
        assert head in text


@pytest.mark.parametrize(
    ("text", "value"),
    [("28", 28), ("-3", -3), ("0.5", 0.5), ("1e3", 1000.0), ("nan", "nan"), ("1e999", "1e999")],
)
def test_values_are_numbers_where_they_read_as_finite_ones(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "begins with no name"),
        ("conv:", "nothing follows the colon"),
        ("conv:h", None),
        ("conv:h=28,,k=3", "'' is not of the form"),
        ("conv: h=28", "' h=28' is not of the form"),
        ("conv:h=28,k", "'k' is not of the form"),
        ("4conv:h=28", "is not a name"),
    ],
)
def test_malformed_texts_are_refused_with_the_part_at_fault(text, complaint):
    if complaint is None:
        assert parse_text(text) == ("conv", "h", ())
        return
    with pytest.raises(ConfigurationError, match=complaint):
        parse_text(text)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_path_survives_as_a_name_or_a_value(path):
    text = format_text("file", path, [("note", f"_{path}")])
    assert not set(text.removeprefix("file:")) & set("@ \n\t")
    assert parse_text(text) == ("file", path, (("note", f"_{path}"),))


def test_usual_paths_are_written_as_they_are():
    path = "../models/ResNet-50_v1.5 (int8)+é.onnx"
    assert format_text("file", path, []) == f"file:{path.replace(' ', '%20')}"
    assert parse_text(f"file:{path}")[1] == path


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        ("conv:h=28,cin=3", {}, "conv:h=28,cin=3"),
        ("my model.onnx", {}, "file:my%20model.onnx"),
        ("file:a.onnx", {"shape": "1x3"}, "file:a.onnx,shape=1x3"),
        (
            "a,b.tflite",
            {"shape": "1x3", "carries": "image"},
            "file:a%2Cb.tflite,shape=1x3,input=image",
        ),
    ],
)
def test_a_path_may_stand_for_the_configuration_of_a_file(model, options, text):
    assert model_text(model, **options) == text
