"""The machine and its software in words: facts of one environment, and what two differ in."""

from __future__ import annotations

from opscope.core.environment import Environment

Rows = list[tuple[str, str]]

GIB = 1024**3
UNKNOWN = "not known"


def machine_rows(environment: Environment) -> Rows:
    """Return what the machine is: a name and a fact a row, none of which changes by itself."""
    caches = ", ".join(
        f"{level} {size // 1024:,} KiB" for level, size in environment.caches.items()
    )
    memory = environment.memory_bytes
    return [
        ("processor", f"{environment.cpu}, {_allowed(environment)}"),
        ("instruction set", ", ".join(environment.instruction_set) or UNKNOWN),
        ("caches", caches or UNKNOWN),
        ("memory", UNKNOWN if memory is None else f"{memory / GIB:.1f} GiB"),
        ("system", f"{environment.system}, kernel {environment.kernel}"),
        ("virtual", {True: "yes", False: "no", None: UNKNOWN}[environment.virtual_machine]),
        ("governor", environment.governor or UNKNOWN),
        ("turbo", {True: "on", False: "off", None: UNKNOWN}[environment.turbo]),
        ("container", _limits(environment)),
        ("clock source", environment.clock_source or UNKNOWN),
    ]


def software_rows(environment: Environment) -> Rows:
    """Return the versions of what measured."""
    own = [("opscope", environment.opscope), ("Python", environment.python)]
    return own + list(environment.packages.items())


def differences(a: Environment, b: Environment) -> list[tuple[str, str, str]]:
    """Return the facts that two environments differ in: name, the first's, the second's."""
    one, other = (dict(machine_rows(item) + software_rows(item)) for item in (a, b))
    return [
        (name, one.get(name, "none"), other.get(name, "none"))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    ]


def _allowed(environment: Environment) -> str:
    total = environment.processors
    of = f" of {total}" if total and total != environment.cores else ""
    return f"{environment.cores}{of} processors to use"


def _limits(environment: Environment) -> str:
    limits = []
    if environment.cpu_limit is not None:
        limits.append(f"{environment.cpu_limit:g} processors' worth of time")
    if environment.memory_limit_bytes is not None:
        limits.append(f"{environment.memory_limit_bytes / GIB:.1f} GiB")
    if limits:
        return f"grants {' and '.join(limits)}"
    known = not {"cpu_limit", "memory_limit_bytes"} & set(environment.absent)
    return "no limit" if known else UNKNOWN
