"""Run by pyperf in processes of its own: times one deployment's call."""

from __future__ import annotations

import pyperf

from benchmarks.instrument.others import deployed
from opscope.core.configuration import Workload


def main() -> None:
    """Time the workload that the command line names."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.instrument.under_pyperf"))
    runner.argparser.add_argument("platform")
    runner.argparser.add_argument("workload")
    runner._add_cmdline_args = lambda command, args: command.extend(  # noqa: SLF001 - pyperf's hook
        [args.platform, args.workload]
    )
    options = runner.parse_args()
    call = deployed(options.platform, Workload.parse(options.workload)).call
    runner.bench_func("call", call)


if __name__ == "__main__":
    main()
