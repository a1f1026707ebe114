"""The probe: whether the platforms that are listed as available do load, without loading one here.

Each family is tried in a process of its own, all at once. ``python -m opscope.platforms.probe
NAME…`` writes a JSON list with a reason for each name, empty where it loads.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from opscope.core.platform import PlatformListing
from opscope.errors import OpscopeError
from opscope.platforms.registry import load_platform, ordered

LIMIT_S = 120.0
"""How long loading a family may take."""


def probed(listings: Sequence[PlatformListing]) -> list[PlatformListing]:
    """Return the listings, in order, those that do not load as unavailable with the reason."""
    families: dict[str, list[PlatformListing]] = {}
    for listing in listings:
        if listing.available:
            families.setdefault(listing.family, []).append(listing)
    names = [[listing.name for listing in family] for family in families.values()]
    processes = [_start(family) for family in names]
    deadline = time.monotonic() + LIMIT_S
    reasons: dict[str, str] = {}
    for family, process in zip(names, processes, strict=True):
        reasons |= zip(family, _reasons(process, deadline, len(family)), strict=True)
    return ordered(
        msgspec.structs.replace(listing, available=False, reason=reason)
        if (reason := reasons.get(listing.name, ""))
        else listing
        for listing in listings
    )


def _start(names: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: a file in the current folder must not pass for a package.
        [sys.executable, "-P", "-m", "opscope.platforms.probe", *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _reasons(process: subprocess.Popen[bytes], deadline: float, count: int) -> list[str]:
    try:
        said, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return [f"it did not load within {LIMIT_S:g} s"] * count
    code = process.returncode
    if said:
        return msgspec.json.decode(said, type=list[str])
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    fault = f"loading it ends the process ({how}). Reinstall the package it comes from."
    return [fault] * count


def main() -> None:
    """Load the platforms named on the command line and write why each does not load."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a runtime prints is no answer
    answers.write(msgspec.json.encode([_reason(name) for name in sys.argv[1:]]))
    answers.flush()


def _reason(name: str) -> str:
    try:
        load_platform(name)
    except OpscopeError as exc:
        return str(exc).removeprefix(f"{name}: ")
    return ""


if __name__ == "__main__":
    main()
