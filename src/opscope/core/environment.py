"""Environment: the machine and software a run was made with, as a record."""

from __future__ import annotations

from opscope.core.record import Record


class Environment(Record, frozen=True, kw_only=True):
    """What figures depend on besides the platform. Absent facts are listed with the reason.

    Attributes:
        cores: Logical processors that this process may use.
        processors: Logical processors of the machine.
        allowed: Which of them this process may use.
        caches: Size in bytes by level, as in ``L2``.
        memory_bytes: Memory of the machine.
        available_bytes: Of it, what could be had when this was read.
        swap_used_bytes: Memory that was swapped out then.
        cpu_limit: Processors' worth of time that the container grants; absent for no limit.
        memory_limit_bytes: Memory that the container grants; absent for no limit.
        turbo: Whether the clock may rise above its base frequency.
        clock_source: What the kernel reads the time from.
        timer_s: Seconds between two readings of the clock in a row.
        packages: Versions of the packages that take part.
        absent: What could not be read, and why.
    """

    opscope: str
    python: str
    system: str
    kernel: str
    cpu: str
    cores: int
    processors: int | None = None
    allowed: tuple[int, ...] = ()
    instruction_set: tuple[str, ...] = ()
    caches: dict[str, int] = {}
    memory_bytes: int | None = None
    available_bytes: int | None = None
    swap_used_bytes: int | None = None
    cpu_limit: float | None = None
    memory_limit_bytes: int | None = None
    governor: str | None = None
    turbo: bool | None = None
    virtual_machine: bool | None = None
    clock_source: str | None = None
    timer_s: float | None = None
    packages: dict[str, str] = {}
    absent: dict[str, str] = {}
