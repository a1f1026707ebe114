"""The papers' derived numbers, counted, beside what docs/counts.md says of them."""

from pathlib import Path

import pytest
from tests.graph.zoo.networks import graph_of
from tests.graph.zoo.peaks import cost_in_place, factor, stack

from opscope.core.configuration import Precision, Workload
from opscope.cost import count
from opscope.cost.elementwise import OPS_PER_ELEMENT
from opscope.graph import build

FUSED = {"BatchNormalization", "Clip", "Relu", "HardSigmoid", "Sigmoid"}
LAYERS = ((56, 32), (28, 64), (14, 128), (7, 256))


def cost_of(text):
    return count(build(Workload.parse(f"{text}@fp32")))


def total(text, what, without=()):
    layers = [layer for layer in cost_of(text).layers if layer.operator not in without]
    return sum(getattr(layer, what) for layer in layers)


def access(text):
    return total(text, "memory_access_elements")


def more(part, whole):
    return f"+ {100 * (part / whole - 1):.2f} %"


def added_by_se(what, digits):
    plain, with_se = "block:mobilenet_v2,h=56,cin=32", "block:mobilenet_v2_se,h=56,cin=32"
    fused, everything = (
        100 * (total(with_se, what, without) / total(plain, what, without) - 1)
        for without in (FUSED, ())
    )
    return f"+ {fused:.{digits}f} % fused; + {everything:.{digits}f} % with all nodes"


def least_access(block):
    """Return the side at which the fused block has least memory access."""
    counted = {
        side: total(f"block:{block},h={side},cin={c}", "memory_access_elements", FUSED)
        for side, c in LAYERS
    }
    side = min(counted, key=counted.get)
    return f"{side} × {side}"


def trend(counted):
    return "fall" if counted == sorted(counted, reverse=True) else "do not fall"


def halved(what):
    """Return what half the size and twice the channels make of Conv and DWConv."""
    ratios = [
        getattr(cost_of(after), what) / getattr(cost_of(before), what)
        for before, after in (
            ("conv:h=56,cin=32,cout=32,k=3,bias=0", "conv:h=28,cin=64,cout=64,k=3,bias=0"),
            ("dwconv:h=56,c=32,k=3,bias=0", "dwconv:h=28,c=64,k=3,bias=0"),
        )
    ]
    return ", ".join(f"× {ratio:.3f}" for ratio in ratios)


def conv(k):
    return access(f"conv:h=56,cin=32,cout=32,k={k},bias=0")


def dwconv(k):
    return access(f"dwconv:h=56,c=32,k={k},bias=0")


def of_activations():
    names = ("Relu", "Clip", "HardSwish", "Sigmoid", "Swish")
    return " < ".join(str(OPS_PER_ELEMENT[name]) for name in names)


def shuffle_and_dense():
    shuffle = [access(f"block:shufflenet_v1,h={side},cin={3 * c}") for side, c in LAYERS]
    dense = [cost_of(f"block:dense,h={side},cin={c}").ops for side, c in LAYERS]
    return f"{trend(shuffle)}, {trend(dense)}"


def per_output():
    depthwise = cost_of("dwconv:h=56,c=32,k=3").macs_per_output
    return f"{depthwise:.0f} against {cost_of('conv:h=56,cin=32,cout=32,k=3').macs_per_output:.0f}"


def shares(size):
    """Return the activations' shares of the INT8 footprints of four keyword-spotting networks."""
    costs = [
        count(graph_of(f"kws_{name},size={size}"), precision=Precision.INT8)
        for name in ("dnn", "cnn", "crnn", "ds_cnn")
    ]
    return ", ".join(f"{c.peak_activation_bytes / c.memory_footprint_bytes:.1%}" for c in costs)


def of_footprints():
    text = f"{shares('small')} (small); {shares('medium')} (medium)"
    return text.replace("%", " %")


def peaks():
    chain = stack(10, joined=False).peak_activation_bytes
    factors = [factor(cost_in_place(name)) for name in ("resnet50", "densenet121")]
    factors += [factor(cost_in_place(f"nasnet_a_{size}")) for size in ("mobile", "large")]
    factors.append(stack(10, joined=True).peak_activation_bytes / chain)
    return ", ".join(f"{times:.2f}" for times in factors)


NUMBERS = {
    "Memory access of Conv, K = 3 against 1": lambda: more(conv(3), conv(1)),
    "The same, K = 5 against 1": lambda: more(conv(5), conv(1)),
    "Memory access of DWConv, K = 5 against 3": lambda: more(dwconv(5), dwconv(3)),
    "Memory access that SE adds": lambda: added_by_se("memory_access_elements", 1),
    "OPs that SE adds": lambda: added_by_se("ops", 2),
    "Operations per element": of_activations,
    "Half the size, twice the channels": lambda: halved("macs"),
    "The same: kernels": lambda: halved("parameters"),
    "The layer where a MobileNetV1 block": lambda: least_access("mobilenet_v1"),
    "The same for the MobileNetV2 block": lambda: least_access("mobilenet_v2"),
    "Memory access of the ShuffleNetV1 block": shuffle_and_dense,
    "MACs per output of DWConv": per_output,
    "Activations in the memory footprint": of_footprints,
    "Peak activation memory over what one layer": peaks,
}


@pytest.fixture(scope="module")
def rows():
    """Return the rows of the last table: number, paper, counted, verdict."""
    page = (Path(__file__).parents[2] / "docs" / "counts.md").read_text()
    table = page.partition("| number |")[2].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table if line]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_documented_number_is_the_counted_one(rows, number):
    (row,) = [row for row in rows if row[0].startswith(number)]
    assert row[2] == NUMBERS[number]()


def test_no_row_is_left_unchecked(rows):
    assert len(rows) == len(NUMBERS)


def test_where_the_papers_contradict_their_own_formulas():
    """The reasons that the table gives, as arithmetic."""
    activations = 2 * 56 * 56 * 32
    assert (dwconv(5), dwconv(3)) == (201_504, 200_992)
    assert round(100 * (activations + 25 * 32) / activations - 100, 1) == 0.4
    fused = total("block:mobilenet_v2,h=56,cin=32", "memory_access_elements", FUSED)
    expanded = 6 * 56 * 56 * 32
    one_input_less = fused - 56 * 56 * 32
    assert round(100 * 3 * expanded / one_input_less) == 64
    assert round(100 * expanded / cost_of("block:mobilenet_v2,h=56,cin=32").macs, 2) == 1.37
