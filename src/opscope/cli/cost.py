"""``opscope cost`` and ``opscope graph``: what can be had without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opscope.cli.output import console, json_option, model_options, print_json, print_line

if TYPE_CHECKING:
    from opscope.api import Counted

batch_option = click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL…")
@click.option("--precision", default="fp32", show_default=True, help="Number format of the bytes.")
@batch_option
@click.option("--flash", type=click.IntRange(min=1), metavar="BYTES", help="Does it fit there?")
@click.option("--sram", type=click.IntRange(min=1), metavar="BYTES", help="Does it fit there?")
@model_options
@json_option
def cost(
    models: tuple[str, ...],
    precision: str,
    batch: int,
    flash: int | None,
    sram: int | None,
    shape: str,
    carries: str,
    *,
    as_json: bool,
) -> None:
    """Count what each MODEL costs: MACs, parameters, memory access, peak activation memory.

    MODEL is a configuration such as conv:h=28,cin=320,cout=64,k=3 or zoo:mobilenet_v2,width=0.5,
    or a file: model.onnx, model.tflite, model.pt2.
    """
    import msgspec

    from opscope import api
    from opscope.core.configuration import parse_precision
    from opscope.core.text import model_text

    counted = [
        api.cost(
            model_text(model, shape=shape, carries=carries),
            precision=parse_precision(precision),
            batch=batch,
        )
        for model in models
    ]
    if as_json:
        rows = [
            {"model": one.workload, "fits": answer, **msgspec.structs.asdict(one.cost)}
            for one, answer in zip(counted, _fits(counted, flash, sram), strict=True)
        ]
        print_json(rows[0] if len(rows) == 1 else rows)
        return
    from opscope.report.counts import comparison_table, layer_table, peak_lines

    out = console()
    if len(counted) == 1:
        out.print(layer_table(counted[0].cost))
    out.print(comparison_table([(one.workload, one.cost) for one in counted]))
    for one, answer in zip(counted, _fits(counted, flash, sram), strict=True):
        out.print(peak_lines(one.workload, one.cost, fits=answer))


def _fits(counted: list[Counted], flash: int | None, sram: int | None) -> list[bool | None]:
    from opscope.cost import fits

    if flash is None and sram is None:
        return [None] * len(counted)
    if flash is None or sram is None:
        raise click.UsageError("--flash and --sram belong together.")
    return [fits(one.cost, flash_bytes=flash, sram_bytes=sram) for one in counted]


@click.command()
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.onnx",
    help="Where to write the model.",
)
@batch_option
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the weights.")
@model_options
@json_option
def graph(
    model: str, output: Path, batch: int, seed: int, shape: str, carries: str, *, as_json: bool
) -> None:
    """Write MODEL, weights drawn from the seed, as an ONNX file."""
    from opscope import api
    from opscope.core.text import model_text

    text = model_text(model, shape=shape, carries=carries)
    size = api.write_graph(text, output, batch=batch, seed=seed)
    if as_json:
        print_json({"model": model, "file": str(output), "bytes": size})
    else:
        print_line(f"{output}: {size:,} bytes")
