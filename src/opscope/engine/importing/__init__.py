"""Importing: the rows of a table become trials of a platform that opscope did not measure."""

from opscope.engine.importing.study import study_of
from opscope.engine.importing.trials import imported_trials

__all__ = ["imported_trials", "study_of"]
