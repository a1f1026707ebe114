"""Trial: how one job ended, and what names it in the store."""

from __future__ import annotations

from typing import Literal

from opscope.core.execution import Execution
from opscope.core.measurement import Measurement
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record, digest
from opscope.core.study import Job, Protocol

Status = Literal["ok", "unsupported", "failed"]


IMPORTED = "imported"
"""The family of platforms that trials were imported of; no such family can be opened."""


class Timings(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Where a trial's wall time went, in seconds.

    Attributes:
        load_s: Inside the runtime while it loaded or compiled the workload: to be timed, to be
            profiled, and to compute the outputs that it is held against.
        run_s: Inside the runtime while it ran: warm-ups, samples, what it was verified by, and
            its share of the reference kernels, which are loaded once and run between rounds.
        overhead_s: Everything else that was done for this job alone.
    """

    load_s: float = 0.0
    run_s: float = 0.0
    overhead_s: float = 0.0


class Source(Record, frozen=True, kw_only=True):
    """The row of a table that a trial was imported from; its session keeps which table it was.

    Attributes:
        number: Line of a text file that the row ends at, or the row's number, from 1.
        cells: Every cell of the row as text, empty where nothing stands.
    """

    number: int
    cells: tuple[str, ...]


class SourceTable(Record, frozen=True, kw_only=True):
    """The table that the trials of a session were imported from.

    Attributes:
        file: Its name, as the user wrote it.
        sha256: Digest of the whole file, 64 hexadecimal digits.
        columns: Their names, in the order of each row's cells.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]

    def row(self, source: Source) -> dict[str, str]:
        """Return the cells of a row by column."""
        return dict(zip(self.columns, source.cells, strict=True))

    def place(self, source: Source) -> str:
        """Return where a row is: ``table.csv, line 3``."""
        noun = "row" if self.file.lower().endswith(".parquet") else "line"
        return f"{self.file}, {noun} {source.number}"


class Trial(Record, frozen=True, kw_only=True, omit_defaults=True):
    """How one job ended: ``ok``, ``unsupported`` or ``failed``, with a reason unless ok.

    It is what a database mostly holds: its JSON leaves out what is as it usually is.

    Attributes:
        traceback: Where a failure came from, for those who mend it; users are shown the reason.
        execution: What the platform really ran; absent where nothing was.
        source: Where it was imported from; absent where opscope measured it.
    """

    job: Job
    status: Status
    reason: str = ""
    traceback: str = ""
    measurements: tuple[Measurement, ...] = ()
    execution: Execution | None = None
    timings: Timings = Timings()
    source: Source | None = None

    def measurement(self, quantity: str) -> Measurement | None:
        """Return the measurement of the whole network's ``quantity``, if there is one."""
        for measurement in self.measurements:
            if measurement.quantity == quantity and measurement.scope.kind == "network":
                return measurement
        return None


def trial_key(
    job: Job, platform: PlatformInfo, protocol: Protocol, seed: int, revisions: dict[str, int]
) -> str:
    """Return the name under which a trial is stored and found again.

    Args:
        job: What was measured; the content of its configuration counts, not a file's path.
        platform: Where; its fingerprint counts.
        protocol: How it was visited.
        seed: Seed of weights, inputs and visiting order.
        revisions: Revision of each part that makes the deployed form: a changed builder or
            converter never finds old data again.
    """
    workload = job.workload
    return digest(
        workload.configuration.digest,
        workload.precision,
        workload.batch,
        platform.fingerprint,
        job.meter,
        protocol,
        seed,
        revisions,
        *([workload.copies] if workload.copies else []),
    )
