"""Run every benchmark of this folder, one after the other."""

from __future__ import annotations

import runpy
from pathlib import Path


def main() -> None:
    """Run each module as a script."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if path.stem != "figures":
            print(f"\n== {path.stem}")
            runpy.run_module(f"benchmarks.{path.stem}", run_name="__main__")


if __name__ == "__main__":
    main()
