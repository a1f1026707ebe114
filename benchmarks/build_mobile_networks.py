"""How long building each mobile network's structure takes; EfficientNet-B0 has a limit."""

from __future__ import annotations

import sys
import time

from opscope.core.configuration import Configuration, Workload
from opscope.graph import build
from opscope.graph.zoo import efficientnet, mnasnet, mobilenet, proxylessnas, shufflenet

FAMILIES = (mobilenet, shufflenet, mnasnet, proxylessnas, efficientnet)
LIMITS_S = {"efficientnet_b0": 0.3}
REPEATS = 7


def build_s(name: str) -> float:
    """Return the median time in seconds of building a network's checked structure."""
    workload = Workload(configuration=Configuration(kind="zoo", name=name))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        build(workload)
        times.append(time.perf_counter() - start)
    return sorted(times)[REPEATS // 2]


def main() -> int:
    """Print a line per network; return 1 if one takes longer than its limit."""
    slow = False
    for name in [design.name for family in FAMILIES for design in family.DESIGNS]:
        taken, limit = build_s(name), LIMITS_S.get(name)
        slow |= limit is not None and taken > limit
        print(f"{name:24}{taken * 1e3:8.1f} ms", f"(limit {limit * 1e3:.0f} ms)" if limit else "")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
