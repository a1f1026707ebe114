"""Study files: TOML on disk, the built-in ones or a user's own, to `Study` records."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import msgspec

from opscope.analysis.findings import KINDS
from opscope.core.decoding import Fault, find_fault, suggest
from opscope.core.study import MeterName, Question, Study
from opscope.engine.planner import plan
from opscope.errors import ParameterError, StudyError, unreadable
from opscope.meters import NAMES, open_meter, quantities
from opscope.platforms.registry import list_platforms


def builtin_studies() -> dict[str, Path]:
    """Return the studies that come with opscope: name → file."""
    folder = Path(str(files("opscope"))) / "studies"
    return {path.stem: path for path in sorted(folder.glob("*/*.toml"))}


def load_study(name: str) -> Study:
    """Return the built-in study of this name, or the one in the file of this path.

    Raises:
        StudyError: If there is neither, or the file is not a study; it names file and key.
    """
    builtin = builtin_studies()
    path = Path(name)
    if name in builtin:
        path = builtin[name]
    elif not is_file_name(name):
        raise StudyError(
            f"there is no study {name!r}",
            remedy=f"{suggest(name, builtin)} Or name a .toml file.",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise unreadable(StudyError, exc, where=name, wanted="a .toml file") from exc
    return parse_study(text, where=name)


def is_file_name(name: str) -> bool:
    """Whether ``name`` names the file of a study, and not one that comes with opscope."""
    return Path(name).suffix == ".toml"


def parse_study(text: str, *, where: str) -> Study:
    """Return the study that TOML ``text`` declares.

    Args:
        text: The file's content.
        where: The file's name, for errors.

    Raises:
        StudyError: If it is not TOML (with the line) or not a study (with the key path).
    """
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        remedy = "Correct it there; a text stands in quotes, a list in brackets."
        raise StudyError(f"is not TOML: {exc}", where=where, remedy=remedy) from exc
    try:
        study = msgspec.convert(content, Study)
    except msgspec.ValidationError as exc:
        raise _explained(find_fault(exc, content, Study), where) from exc
    if study.protocol.rounds < study.protocol.min_rounds:
        raise StudyError(
            f"rounds = {study.protocol.rounds} is less than min_rounds = "
            f"{study.protocol.min_rounds}",
            where=f"{where}: protocol.rounds",
            remedy="Raise rounds, or lower min_rounds; below 6 there is no interval, and no trust.",
        )
    try:
        for number, meter in enumerate(study.meters):
            _check_meter(meter, f"meters[{number}]")
        for number, question in enumerate(study.findings):
            _check_question(question, study, f"findings[{number}]")
    except StudyError as exc:
        raise exc.at(where) from exc
    return study


def _explained(fault: Fault, where: str) -> StudyError:
    place = f"{where}: {fault.path}" if fault.path else where
    what = {
        "unknown": f"unknown key {fault.name!r}",
        "missing": f"the key {fault.name!r} is missing",
        "unfit": fault.text,
    }[fault.kind]
    return StudyError(what, where=place, remedy=fault.remedy)


def _check_meter(meter: MeterName, where: str) -> None:
    _require("meter", meter.name, NAMES, f"{where}.name")
    try:
        open_meter(meter)
    except ParameterError as exc:
        raise StudyError(exc.what, where=f"{where}.settings", remedy=exc.remedy) from exc


def _check_question(question: Question, study: Study, where: str) -> None:
    _require("kind of finding", question.kind, KINDS, f"{where}.kind")
    varied = {name for space in study.spaces for name in space.varied()}
    if question.x not in varied:
        plan(study, ())  # names a misspelt axis, for which the question is not to blame
    _require("axis of numbers", question.x, varied, f"{where}.x")
    read = {quantity for meter in study.meters for quantity in quantities(meter.name)}
    if question.quantity not in read:
        reported = {quantity for platform in list_platforms() for quantity in platform.quantities}
        _require("quantity", question.quantity, read | reported, f"{where}.quantity")


def _require(noun: str, name: str, known: Collection[str], where: str) -> None:
    if name not in known:
        remedy = suggest(name, known)
        raise StudyError(f"there is no {noun} {name!r}", where=where, remedy=remedy)
