"""Reads 10,000 damaged model files: no crash, no traceback, nothing touched outside their folder.

Each batch runs in a process of its own with 4 GB of memory, so that a crash is seen and named.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

TOTAL = 10_000
_BATCH = 500
_MEMORY_BYTES = 4 << 30
_SECONDS_A_BATCH = 600


def main() -> None:
    if sys.argv[1:2] == ["batch"]:
        run_batch(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    total = int(sys.argv[1]) if len(sys.argv) > 1 else TOTAL
    from opscope.testing.mutations import KINDS

    start, ends, slowest, faults = time.perf_counter(), Counter[str](), 0.0, 0
    for number in range(0, total, _BATCH):
        kind = KINDS[number // _BATCH % len(KINDS)]
        command = [sys.executable, "-m", "benchmarks.fuzz_importers", "batch", kind]
        command += [str(number), str(min(_BATCH, total - number))]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS_A_BATCH, check=False
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode:
            faults += 1
            last = lines[-1] if lines else {}
            print(f"CRASH {done.returncode} after {kind} {last}: {done.stderr[-2000:]}")
        for line in lines:
            ends[f"{kind}: {line['end']}"] += 1
            slowest = max(slowest, line["seconds"])
            if line["end"] not in {"imported", "refused"}:
                faults += 1
                print(f"FAULT {kind} seed {line['seed']}: {line['end']}\n{line['trace']}")
    seconds = time.perf_counter() - start
    print(f"{sum(ends.values())} damaged files in {seconds:.0f} s, slowest {slowest:.2f} s")
    for end, count in sorted(ends.items()):
        print(f"  {end}: {count}")
    print(f"faults (target 0): {faults}")


def run_batch(kind: str, first: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    from opscope.testing.mutations import mutation, prepare, read_watched

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for seed in range(first, first + count):
            data, start, trace = mutation(kind, seed), time.perf_counter(), ""
            try:
                end = read_watched(data, kind, folder)
                end = end if end == "imported" else "refused"
            except BaseException as exc:  # noqa: BLE001 - this is what is being looked for
                end, trace = type(exc).__name__, traceback.format_exc()[-3000:]
            seconds = time.perf_counter() - start
            line = {"seed": seed, "end": end, "seconds": seconds, "trace": trace}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
