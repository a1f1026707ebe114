"""How long a report of 10,000 trials takes, its size, and how soon a browser can be used.

Run: python -m benchmarks.report_speed
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.figures import show
from benchmarks.many_trials import store_many
from opscope import api

TRIALS = 10_000
_BUSY = """const done = arguments[0];
const ready = () => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0));
if (document.readyState === "complete") ready(); else addEventListener("load", ready);"""


def interactive_s(path: Path) -> float:
    """Return the seconds from asking for a page until its scripts have run and it is idle."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.get(path.as_uri())
        return float(driver.execute_async_script(_BUSY)) / 1000
    finally:
        driver.quit()


def main() -> None:
    """Print the seconds and the size."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "many.db"
        study = store_many(database, TRIALS)
        start = time.perf_counter()
        path = api.report(study.name, database=database, to=Path(folder) / "many.html")
        took_s = time.perf_counter() - start
        show(f"report of {TRIALS:,} stored trials, findings drawn anew", took_s, "s", 10)
        show("  its size", path.stat().st_size / 1e6, "MB", 15)
        if shutil.which("chromedriver"):
            show("  interactive in chromium", interactive_s(path), "s", 3)
        else:
            print("  chromedriver is not installed: not opened")


if __name__ == "__main__":
    main()
