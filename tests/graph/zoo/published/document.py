"""The table as Markdown, beside what opscope counts.

``python -m tests.graph.zoo.published.document`` rewrites it in ``docs/zoo.md``.
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

from tests.graph.zoo.networks import graph_of
from tests.graph.zoo.published import TABLE
from tests.graph.zoo.published.record import Published

DOCUMENT = Path(__file__).parents[4] / "docs" / "zoo.md"
HEAD = (
    "| network | input | MACs published | counted | parameters published | counted | source "
    "| explanation |\n|---|---|---|---|---|---|---|---|"
)


def render() -> str:
    """Return the table: a line for each network and pair of figures of it."""
    lines = []
    for network in dict.fromkeys(row.network for row in TABLE):
        of_network = [row for row in TABLE if row.network == network]
        pairs = zip_longest(
            [row for row in of_network if row.quantity == "MACs"],
            [row for row in of_network if row.quantity == "parameters"],
        )
        lines += [line(network, *pair) for pair in pairs]
    return "\n".join([HEAD, *lines])


def line(network: str, macs: Published | None, parameters: Published | None) -> str:
    shape = "×".join(str(size) for size in graph_of(network).inputs[0].shape[1:])
    figures = [figure for row in (macs, parameters) for figure in (printed(row), counted(row))]
    cells = [f"`{network}`", shape, *figures, source(macs, parameters)]
    explanations = [explanation(row) for row in (macs, parameters) if row is not None]
    return f"| {' | '.join([*cells, ' '.join(filter(None, dict.fromkeys(explanations)))])} |"


def printed(row: Published | None) -> str:
    return (row.figure or "none") if row else ""


def counted(row: Published | None) -> str:
    """Return the count by the source's convention, its difference, and ours if that is another."""
    if row is None:
        return ""
    text = f"{row.count:,}"
    if row.figure and (apart := f"{100 * (row.count / row.value - 1):+.2f}").strip("+-0."):
        text += f", {apart} %"
    if row.converted:
        text += f" (plain: {row.plain:,})"
    return text


def source(*pair: Published | None) -> str:
    rows = [row for row in pair if row is not None]
    if len(rows) == 2 and rows[0].source == rows[1].source:
        return rows[0].source
    return " ".join(f"{row.quantity}: {row.source}." for row in rows)


def explanation(row: Published) -> str:
    return row.explanation if row.explained else f"**Not explained.** {row.explanation}"


def documented() -> str:
    """Return the table that stands in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[text.index(HEAD.partition("\n")[0]) :].partition("\n\n")[0]


def rewrite() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text.replace(documented(), render()), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
