"""``opscope doctor``."""

from __future__ import annotations

import click

from opscope.cli.app import when_interrupted
from opscope.cli.measure import measuring_platforms, teller
from opscope.cli.output import Duration, console, json_option, print_json


@click.command()
@click.option(
    "-p",
    "--platform",
    metavar="PLATFORM",
    help="The platform to measure with; the first that came with opscope unless given.",
)
@click.option(
    "--budget",
    "budget_s",
    type=Duration(),
    default="30s",
    show_default=True,
    metavar="TIME",
    help="How long to watch the machine, as in 90s.",
)
@json_option
def doctor(platform: str | None, budget_s: float, *, as_json: bool) -> None:
    """Say how good this machine is for measuring, what to change, what precision to expect.

    Reference kernels, large convolutions and a stream through memory are measured in rounds. Do
    not use the machine meanwhile, or use it as you will when you measure. No figure is stored.
    """
    from opscope import api

    name = measuring_platforms()[0] if platform is None else platform
    with (
        when_interrupted("nothing is stored"),
        console(err=True).status(f"watching {name} at work for up to {budget_s:.0f} s"),
    ):
        diagnosis = api.diagnose(name, budget_s=budget_s, watch=teller())
    if as_json:
        print_json(diagnosis)
        return
    from opscope.report.doctor import diagnosis_view

    console().print(diagnosis_view(diagnosis))
