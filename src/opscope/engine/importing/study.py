"""The study that imported figures answer where they belong to none: their own configurations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from opscope.core.configuration import Configuration
from opscope.core.decoding import suggest
from opscope.core.space import Space
from opscope.core.study import Job, MeterName, Question, Study
from opscope.core.text import Parameters, Value
from opscope.engine.studies import builtin_studies
from opscope.errors import InputError


def study_of(
    table: Path, jobs: Collection[Job], steps: Iterable[str], quantity: str, meter: MeterName
) -> Study:
    """Return the study that these jobs alone are of, named after their table.

    Args:
        table: The file they were imported from.
        jobs: What its rows are of.
        steps: Parameters along which steps are looked for.
        quantity: In which quantity.
        meter: What the figures stand for.

    Raises:
        InputError: If a parameter to look along does not vary, or a study that comes with opscope
            has the table's name.
    """
    if table.stem in builtin_studies():
        raise InputError(
            "its name is that of a study which comes with opscope",
            where=str(table),
            remedy=f"Use --study {table.stem} to add it to that, or rename the file.",
        )
    configurations = dict.fromkeys(job.workload.configuration for job in jobs)
    steps = tuple(steps)
    spaces = _spaces(configurations, steps)
    if steps:
        _refuse_still(steps, spaces)
    return Study(
        name=table.stem,
        title=f"Figures imported from {table.name}",
        question="What do these figures, taken elsewhere, say?",
        spaces=spaces,
        precisions=tuple(dict.fromkeys(job.workload.precision for job in jobs)),
        batches=tuple(dict.fromkeys(job.workload.batch for job in jobs)),
        meters=(meter,),
        findings=tuple(Question(kind="steps", x=x, quantity=quantity) for x in steps),
    )


def _refuse_still(steps: Iterable[str], spaces: Iterable[Space]) -> None:
    """Refuse to look for steps along what no two configurations differ in alone."""
    numbers = ((space, name) for space in spaces for name in space.varied())
    varied = {name for space, name in numbers if len(space.points()) > 1}
    for x in steps:
        if x not in varied:
            where, remedy = f"--steps {x}", suggest(x, varied)
            raise InputError("no two configurations differ in it alone", where=where, remedy=remedy)


def _spaces(configurations: Iterable[Configuration], steps: tuple[str, ...]) -> tuple[Space, ...]:
    """Return spaces that hold these configurations and no other, each along one axis at most."""
    families: defaultdict[tuple[str, str, tuple[str, ...]], list[Parameters]] = defaultdict(list)
    for one in configurations:
        names = tuple([name for name, _ in one.parameters])
        families[one.kind, one.name, names].append(one.parameters)
    spaces: list[Space] = []
    for (kind, name, names), members in families.items():
        counts = [len(set(column)) for column in zip(*members, strict=True)]
        ranks = [(many > 1 and n in steps, many) for n, many in zip(names, counts, strict=True)]
        if not ranks:
            spaces.append(Space(kind=kind, name=name))
            continue
        at = ranks.index(max(ranks))
        along: defaultdict[Parameters, list[Value]] = defaultdict(list)
        for given in members:
            along[given[:at] + given[at + 1 :]].append(given[at][1])
        spaces += (
            Space(kind=kind, name=name, base=dict(base), axes={names[at]: tuple(values)})
            for base, values in along.items()
        )
    return tuple(spaces)
