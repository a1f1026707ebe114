"""The public functions of opscope. Commands are a thin layer over these; so are notebooks.

Everything takes texts or records and returns records; heavy packages load when they are needed.
"""

from opscope.api.counting import Counted, cost, write_graph
from opscope.api.database import DATABASE
from opscope.api.drawing import figure, figures, write_figure
from opscope.api.exchanging import Imported, export, import_table
from opscope.api.measuring import (
    Measured,
    compare,
    diagnose,
    fusions,
    measure,
    platforms,
    support,
)
from opscope.api.reporting import report, write_comparison
from opscope.api.studying import (
    count_jobs,
    findings,
    overview,
    run_study,
    steps,
    studies,
    study,
)

__all__ = [
    "DATABASE",
    "Counted",
    "Imported",
    "Measured",
    "compare",
    "cost",
    "count_jobs",
    "diagnose",
    "export",
    "figure",
    "figures",
    "findings",
    "fusions",
    "import_table",
    "measure",
    "overview",
    "platforms",
    "report",
    "run_study",
    "steps",
    "studies",
    "study",
    "support",
    "write_comparison",
    "write_figure",
    "write_graph",
]
