"""Overviews for the tests of pages: of a run on the fake, and with names that mean harm."""

from __future__ import annotations

import msgspec

from opscope import api
from opscope.core.configuration import Configuration, Workload
from tests.builders import small_study

HOSTILE = "<script>alert(1)</script>\"'&lt;b&gt;</td>%{x}"
LONG = "n" * 10_000


def overview_of(folder, *, stop=48):
    """Return the overview of a run of a small study on two fakes."""
    study = small_study(stop)
    database = folder / "pages.db"
    api.run_study(study, ["fake", "fake:period=8"], database=database)
    return api.overview(study, database=database)


def hostile(overview):
    """Return the overview as if files and platforms had names that mean harm."""
    replace = msgspec.structs.replace
    rows = list(overview.rows)
    for place, name in enumerate((HOSTILE, LONG)):
        configuration = Configuration(kind="file", name=name)
        rows[place] = replace(rows[place], workload=Workload(configuration=configuration))
    rows[2] = replace(rows[2], platform=HOSTILE)
    finding = replace(overview.answers.findings[0], platform=HOSTILE, fixed=LONG, cause=HOSTILE)
    answers = replace(overview.answers, findings=(finding,))
    study = replace(overview.study, title=HOSTILE, question=HOSTILE, source=LONG)
    curve = replace(overview.sweeps[0].curves[0], platform=HOSTILE)
    sweep = replace(overview.sweeps[0], curves=(curve,))
    return replace(overview, study=study, rows=tuple(rows), answers=answers, sweeps=(sweep,))
