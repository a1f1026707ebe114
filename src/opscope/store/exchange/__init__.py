"""Exchange: tables of measurements, in from files that opscope did not write, and out to others."""

from opscope.store.exchange.columns import read_columns
from opscope.store.exchange.files import ENDINGS, check_target, write_table
from opscope.store.exchange.reading import Line, Lines, number, read_table, to_number
from opscope.store.exchange.trials import trial_columns

__all__ = [
    "ENDINGS",
    "Line",
    "Lines",
    "check_target",
    "number",
    "read_columns",
    "read_table",
    "to_number",
    "trial_columns",
    "write_table",
]
