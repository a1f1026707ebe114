"""What a notebook shows of a study by itself, and of what `measure` returns."""

from __future__ import annotations

from html import escape

from opscope.api.measuring import Measured
from opscope.core.study import Study
from opscope.errors import OpscopeError


def study_page(study: Study) -> str:
    """Return what a notebook shows of a study: how its MACs grow, and what it asks."""
    from opscope.analysis.designs import Designs, designs
    from opscope.api.kept import parameters_kept
    from opscope.api.reading import count_macs
    from opscope.engine.planner import configurations
    from opscope.report.cells import study_cell

    try:
        found = [(item, parameters_kept(item)) for item in configurations(study)]
    except OpscopeError:  # a space that this opscope cannot expand: what is asked stays readable
        return study_cell(study, Designs(count=0), {})
    chosen = designs(study, found)
    drawn = {item for line in chosen.lines for _, item in line.points}
    return study_cell(study, chosen, {item: count_macs(item, 1) for item in drawn})


def measured_page(measured: Measured) -> str:
    """Return what a notebook shows of one configuration on one platform: each measurement of it."""
    from opscope.report.cells import measurement_cell, operator_cell

    taken = measured.trial.measurements if measured.trial else ()
    cells = [measurement_cell(item) for item in taken if item.scope.kind == "network"]
    steps = operator_cell([item for item in taken if item.scope.kind == "node"])
    said = [measured.platform, measured.precision.value, measured.status, measured.reason]
    return f"<h4>{escape(', '.join(filter(None, said)))}</h4>" + "".join(cells) + steps
