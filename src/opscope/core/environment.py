"""Environment: the machine and software a run was made with, as a record."""

from __future__ import annotations

from opscope.core.record import Record


class Environment(Record, frozen=True, kw_only=True):
    """What figures depend on besides the platform. Absent facts are listed with the reason.

    Attributes:
        caches: Size in bytes by level, as in ``L2``.
        packages: Versions of the packages that take part.
        absent: What could not be read, and why.
    """

    opscope: str
    python: str
    system: str
    kernel: str
    cpu: str
    cores: int
    instruction_set: tuple[str, ...] = ()
    caches: dict[str, int] = {}
    memory_bytes: int | None = None
    governor: str | None = None
    virtual_machine: bool | None = None
    packages: dict[str, str] = {}
    absent: dict[str, str] = {}
