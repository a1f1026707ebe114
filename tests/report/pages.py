"""What the tests of pages draw: a run on the fakes, a comparison, both with hostile names."""

from __future__ import annotations

import msgspec

from opscope import api
from opscope.analysis.distribution import distribution
from opscope.core.configuration import Configuration, Workload
from opscope.core.space import Space
from opscope.report.comparison_page import comparison_page
from tests.builders import small_study

HOSTILE = "<script>alert(1)</script>\"'&lt;b&gt;</td>%{x}"
LONG = "n" * 10_000


def overview_of(folder, *, stop=48):
    """Return the overview of a run on two fakes: a sweep, and two blocks side by side."""
    blocks = [
        Space(kind="block", name=name, base={"h": 7, "cin": 16})
        for name in ("mobilenet_v1", "resnet_basic")
    ]
    study = small_study(stop)
    study = msgspec.structs.replace(study, spaces=(*study.spaces, *blocks))
    database = folder / "pages.db"
    api.run_study(study, ["fake", "fake:period=8"], database=database)
    return api.overview(study, database=database)


def comparison_of(folder):
    """Return the comparison of both fakes in the run that `overview_of` left in the folder."""
    return api.compare("run:1/fake", "run:1/fake:period=8", database=folder / "pages.db")


def comparison_text(found):
    """Return the page of a comparison."""
    return comparison_page(found, distribution(found))


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


def hostile_comparison(found):
    """Return the comparison as if files, platforms and interpreters had names that mean harm."""
    replace = msgspec.structs.replace
    items = list(found.configurations)
    for place, name in enumerate((HOSTILE, LONG)):
        items[place] = replace(items[place], workload=f"{name}{place}", statement=name)
    sides = [
        replace(
            side,
            platform=replace(side.platform, name=HOSTILE, device=LONG),
            database=LONG,
            python=HOSTILE,
        )
        for side in (found.a, found.b)
    ]
    overall = replace(found.overall, statement=HOSTILE)
    return replace(found, a=sides[0], b=sides[1], configurations=tuple(items), overall=overall)
