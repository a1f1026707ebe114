import pytest

from opscope.core.configuration import Configuration, Workload
from opscope.errors import ConfigurationError
from opscope.graph import build, resolve


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("conv:k=3,cout=64,cin=320,h=28", "conv:h=28,cin=320,cout=64,k=3"),
        ("conv:h=28,cin=8,cout=8,k=3,s=1,groups=1,bias=1,act=none", "conv:h=28,cin=8,cout=8,k=3"),
        ("dwconv:h=28,c=8,k=3,act=relu", "dwconv:h=28,c=8,k=3,act=relu"),
    ],
)
def test_one_point_has_one_text(written, canonical):
    assert str(resolve(written)) == canonical
    assert resolve(canonical) == resolve(written)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "conv:h=28,cin=30,cout=64,k=3,groups=4",
            "conv(cin=30, groups=4): groups must divide cin. Use 1, 2, 3, 5, 6, 10, 15 or 30.",
        ),
        (
            "conv:h=28,cin=32,cout=7,k=3,groups=4",
            "conv(cout=7, groups=4): groups must divide cout. Use 1 or 7.",
        ),
        (
            "conv:h=3,cin=3,cout=3,k=7,pad=0",
            "conv(h=3, k=7, pad=0, dilation=1): the kernel is larger than the padded input."
            " Use a smaller kernel or dilation, a larger input, or pad=2 or more.",
        ),
    ],
)
def test_impossible_values_are_refused_with_what_would_do(text, message):
    with pytest.raises(ConfigurationError) as caught:
        resolve(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("conv:h=28,cin=3,cuot=3,k=3", "unknown parameter 'cuot'. Did you mean 'cout'?"),
        ("conv:h=28,cin=3,k=3", "cout is missing. Needed are h, cin, cout, k."),
        ("conv:h=28,cin=3,cout=a,k=3", "cout=a does not fit: expected `int`, got `str`"),
        ("conv:h=28,cin=3,cout=0,k=3", "cout=0 does not fit: expected `int` >= 1"),
        ("conv:h=28,cin=3,cout=9999999,k=3", "cout=9999999 does not fit"),
        ("conv:h=28,cin=3,cout=2.5,k=3", "cout=2.5 does not fit"),
        ("conv:h=28,cin=3,cout=3,k=3,act=rleu", "act=rleu does not fit"),
        ("covn:h=28", "there is no kind 'covn'. Did you mean 'conv'?"),
    ],
)
def test_typos_and_wrong_types_name_the_parameter(text, part):
    with pytest.raises(ConfigurationError) as caught:
        resolve(text)
    assert part in str(caught.value)


def test_the_padding_that_the_remedy_names_is_enough():
    assert build(Workload(configuration=resolve("conv:h=3,cin=3,cout=3,k=7,pad=2"))).outputs


def test_an_unresolved_configuration_is_checked_when_built():
    with pytest.raises(ConfigurationError):
        build(Workload(configuration=Configuration.parse("conv:h=28")))
