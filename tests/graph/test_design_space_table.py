"""docs/design-space.md says what the code does: its tables are compared with the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from opscope.graph import KINDS, blocks, operators, resolve

PAGE = Path(__file__).parents[2] / "docs" / "design-space.md"
DESIGNS = (*operators.DESIGNS, *blocks.DESIGNS)

# What a parameter without a fixed default stands for when left out; `implied` computes it.
LEFT_OUT = {"w": "h", "pad": "keeps H", "cout": "cin"}
STRIDED_SHUFFLE = "cin, twice that at s > 1"


def parameter(design, field):
    if field.required:
        return f"`{field.name}`"
    default = field.default
    if default is None:
        default = LEFT_OUT[field.name]
        if field.name == "cout" and design.name.startswith("shufflenet"):
            default = STRIDED_SHUFFLE
    return f"`{field.name}` ({getattr(default, 'value', default)})"


def row(design):
    """Return the row of the page's table that says what the code says."""
    what, _, rest = " ".join(design.__doc__.split()).partition(" Source: ")
    head = f"{design.kind}:{design.name}" if design.name else design.kind
    fields = msgspec.structs.fields(design)
    parameters = ", ".join(parameter(design, field) for field in fields)
    return f"| `{head}` | {what} | {parameters} | {rest} |"


def documented():
    return [line for line in PAGE.read_text().splitlines() if re.match(r"\| `", line)]


def test_every_kind_has_its_row_and_no_other_row_is_there():
    wanted = [row(design) for design in DESIGNS]
    assert documented() == wanted, "docs/design-space.md should have:\n" + "\n".join(wanted)


def test_every_kind_of_operator_and_block_is_in_the_catalogue():
    kinds = {design.kind for design in DESIGNS}
    assert [design for key, design in KINDS.items() if key[0] in kinds] == list(DESIGNS)


def test_every_row_names_a_source():
    assert all(re.search(r"\| [^|]{20,} \|$", line) for line in documented())


@pytest.mark.parametrize("text", re.findall(r"^    (\w+:.*)$", PAGE.read_text(), re.MULTILINE))
def test_every_example_on_the_page_is_canonical(text):
    assert str(resolve(text)) == text


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("conv:h=8,cin=4,cout=6,k=5", "w", 8),
        ("conv:h=8,cin=4,cout=6,k=5", "pad", 2),
        ("conv:h=8,cin=4,cout=6,k=5,dilation=2", "pad", 4),
        ("block:mobilenet_v2,h=8,cin=4", "cout", 4),
        ("block:inception,h=8,cin=16", "cout", 16),
        ("block:shufflenet_v2,h=8,cin=4", "cout", 4),
        ("block:shufflenet_v2,h=8,cin=4,s=2", "cout", 8),
    ],
)
def test_what_left_out_parameters_stand_for(text, key, value):
    assert resolve(f"{text},{key}={value}") == resolve(text)
