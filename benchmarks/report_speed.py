"""How long a report of 10,000 trials takes, its size, and how soon a browser can be used.

Run: python -m benchmarks.report_speed
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.figures import show
from opscope import api
from opscope.analysis.overview import Overview
from opscope.core.configuration import Configuration
from opscope.core.space import Range, Space
from opscope.core.study import Study
from opscope.report.page import report_page

TRIALS = 10_000
_BUSY = """const done = arguments[0];
const ready = () => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0));
if (document.readyState === "complete") ready(); else addEventListener("load", ready);"""


def many(folder: Path) -> Overview:
    """Return the overview of a short run, its trials and sweeps repeated to 10,000 trials."""
    study = Study(
        name="many",
        title="many trials",
        question="how long does the page take?",
        spaces=(
            Space(
                kind="conv",
                base={"h": 6, "cin": 3, "k": 3},
                axes={"cout": Range(start=1, stop=100)},
            ),
        ),
        findings=api.study("conv-channels").findings,
    )
    api.run_study(study, ["fake"], database=folder / "many.db", budget_s=30)
    found = api.overview(study, database=folder / "many.db")
    times = TRIALS // len(found.rows)
    rows = []
    for copy in range(times):
        for row in found.rows:
            old = row.workload.configuration
            parameters = (("h", 6 + copy), *old.parameters[1:])
            new = Configuration(kind=old.kind, parameters=parameters)
            workload = msgspec.structs.replace(row.workload, configuration=new)
            rows.append(msgspec.structs.replace(row, workload=workload))
    answers = msgspec.structs.replace(
        found.answers, findings=found.answers.findings * min(times, 20)
    )
    return msgspec.structs.replace(
        found, rows=tuple(rows), answers=answers, sweeps=found.sweeps * times, jobs=len(rows)
    )


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
    with tempfile.TemporaryDirectory() as folder:
        found = many(Path(folder))
        start = time.perf_counter()
        page = report_page(found)
        show(
            f"page of {len(found.rows):,} trials, from their overview",
            time.perf_counter() - start,
            "s",
            10,
        )
        path = Path(folder) / "many.html"
        path.write_text(page, encoding="utf-8")
        show("  its size", path.stat().st_size / 1e6, "MB", 15)
        if shutil.which("chromedriver"):
            show("  interactive in chromium", interactive_s(path), "s", 3)
        else:
            print("  chromedriver is not installed: not opened")


if __name__ == "__main__":
    main()
