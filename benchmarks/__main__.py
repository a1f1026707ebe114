"""Run every benchmark of this folder, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run each module as a process of its own, whatever becomes of the others."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if path.stem != "figures":
            print(f"\n== {path.stem}", flush=True)
            subprocess.run([sys.executable, "-m", f"benchmarks.{path.stem}"], check=False)


if __name__ == "__main__":
    main()
