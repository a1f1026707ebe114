import pytest

from opscope.core.configuration import Configuration, Precision, Workload
from opscope.core.platform import PlatformName
from opscope.core.record import digest
from opscope.errors import ConfigurationError

TEXT = "conv:h=28,cin=320,cout=64,k=3"


def test_a_configuration_is_its_text():
    configuration = Configuration.parse(TEXT)
    assert str(configuration) == TEXT
    assert configuration.get("cin") == 320
    assert configuration.get("s") is None


def test_the_digest_names_the_content():
    first, same = Configuration.parse(TEXT), Configuration.parse(TEXT)
    other = Configuration.parse(TEXT.replace("64", "65"))
    assert first.digest == same.digest != other.digest
    assert len({first, same, other}) == 2


@pytest.mark.parametrize(
    "text",
    [
        f"{TEXT}@int8,batch=4",
        f"{TEXT}@bf16",
        f"{TEXT}@fp32,copies=8",
        f"{TEXT}@int8,batch=4,copies=1",
        "zoo:resnet18,input=224@fp32",
    ],
)
def test_a_workload_is_its_text(text):
    assert str(Workload.parse(text)) == text


def test_precision_and_options_may_be_left_out():
    workload = Workload.parse(TEXT)
    assert (workload.precision, workload.batch, workload.copies) == (Precision.FP32, 1, 0)
    assert str(workload) == f"{TEXT}@fp32"


@pytest.mark.parametrize(
    ("suffix", "complaint"),
    [
        ("@int9", "'int9' is not a precision. Use one of fp32"),
        ("@int8,batch=0", "batch=0 is not a batch"),
        ("@int8,batch=99999999999999999999", "is not a batch. Use 1 to 65,536."),
        ("@int8,batch=2.5", "not a whole number"),
        ("@", "nothing stands behind the @. Use @fp32"),
        ("@int8,bach=2", "bach is not an option of a workload. Use batch=N or copies=N"),
        ("@int8,copies=-1", "copies=-1 is not a number of copies"),
        ("@int8,copies=x", "copies=x is not a whole number"),
        ("@int8,copies=2,copies=2", "copies is given twice"),
        (",h=3", "h is given twice"),
    ],
)
def test_a_malformed_workload_is_refused(suffix, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        Workload.parse(TEXT + suffix)


def test_platform_options_are_sorted():
    assert str(PlatformName.parse("x:b=2,a=1")) == "x:a=1,b=2"
    with pytest.raises(ConfigurationError, match="option=value"):
        PlatformName.parse("x:threads")


def test_content_stands_for_the_name_in_the_digest():
    first, moved, changed, unread = (
        Configuration(kind="file", name=name, content=content)
        for name, content in (("a.onnx", "1"), ("b.onnx", "1"), ("a.onnx", "2"), ("a.onnx", ""))
    )
    assert first.digest == moved.digest
    assert len({first.digest, changed.digest, unread.digest}) == 3
    assert str(first) == "file:a.onnx"


def test_digests_without_content_are_those_of_the_text():
    configuration = Configuration.parse("conv:h=28,cin=320,cout=64,k=3")
    assert configuration.digest == digest("conv:h=28,cin=320,cout=64,k=3")
