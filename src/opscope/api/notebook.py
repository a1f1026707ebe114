"""Notebooks: records display as chart and table where IPython runs, which nothing here imports."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_CELLS = {
    ("opscope.core.study", "Study"): ("opscope.api.displaying", "study_page"),
    ("opscope.api.measuring", "Measured"): ("opscope.api.displaying", "measured_page"),
    ("opscope.core.finding", "Finding"): ("opscope.report.cells", "finding_cell"),
    ("opscope.core.measurement", "Measurement"): ("opscope.report.cells", "measurement_cell"),
    ("opscope.core.comparison", "Comparison"): ("opscope.report.cells", "comparison_cell"),
    ("opscope.analysis.overview", "Overview"): ("opscope.report.cells", "overview_cell"),
    ("opscope.report.chart", "Chart"): ("opscope.report.cells", "chart_cell"),
}
"""Which function shows which record."""


def displayed(function: Callable[P, R]) -> Callable[P, R]:
    """Have what ``function`` returns display as chart and table, if a notebook calls it."""

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        register()
        return function(*args, **kwargs)

    return inside


def register() -> bool:
    """Tell a running IPython how records display; return whether one is running.

    To do so again changes nothing.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    if shell is None:
        return False
    html = shell.display_formatter.formatters["text/html"]
    for (module, name), cell in _CELLS.items():
        html.for_type_by_name(module, name, functools.partial(_shown, *cell))
    return True


def _shown(module: str, function: str, record: Any) -> str:
    text: str = getattr(importlib.import_module(module), function)(record)
    return text
