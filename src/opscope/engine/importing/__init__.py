"""Importing: the rows of a table become trials of a platform that opscope did not measure."""

from opscope.engine.importing.study import study_of
from opscope.engine.importing.trials import ImportedTrials

__all__ = ["ImportedTrials", "study_of"]
