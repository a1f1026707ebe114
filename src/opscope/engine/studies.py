"""Study files: TOML on disk, the built-in ones or a user's own, to `Study` records."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import msgspec

from opscope.analysis.findings import KINDS
from opscope.core.parameters import suggest
from opscope.core.record import Record
from opscope.core.space import Range, Space
from opscope.core.study import Limits, MeterName, Protocol, Question, Study
from opscope.errors import StudyError
from opscope.meters import NAMES

_TABLES: dict[str, type[Record]] = {
    "": Study,
    "spaces": Space,
    "protocol": Protocol,
    "limits": Limits,
    "meters": MeterName,
    "findings": Question,
}
"""Which record each table of a study file becomes."""


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
    elif path.suffix != ".toml":
        raise StudyError(
            f"there is no study {name!r}",
            remedy=f"{suggest(name, builtin)} Or name a .toml file.",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise StudyError(f"cannot be read: {exc}", where=name) from exc
    return parse_study(text, where=name)


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
    except tomllib.TOMLDecodeError as exc:
        raise StudyError(f"is not TOML: {exc}", where=where) from exc
    try:
        study = msgspec.convert(content, Study)
    except msgspec.ValidationError as exc:
        raise _explain(exc, where) from exc
    if study.protocol.rounds < study.protocol.min_rounds:
        raise StudyError(
            f"rounds = {study.protocol.rounds} is less than min_rounds = "
            f"{study.protocol.min_rounds}",
            where=f"{where}: protocol.rounds",
            remedy="Raise rounds, or lower min_rounds; below 6 there is no interval.",
        )
    for number, meter in enumerate(study.meters):
        _require("meter", meter.name, NAMES, f"{where}: meters[{number}].name")
    for number, question in enumerate(study.findings):
        _require("kind of finding", question.kind, KINDS, f"{where}: findings[{number}].kind")
    return study


def _require(noun: str, name: str, known: Collection[str], where: str) -> None:
    if name not in known:
        remedy = suggest(name, known)
        raise StudyError(f"there is no {noun} {name!r}", where=where, remedy=remedy)


def _explain(exc: msgspec.ValidationError, where: str) -> StudyError:
    text, _, path = str(exc).partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    place = f"{where}: {key}" if key else where
    record = _record_at(key)
    fields = [field.name for field in msgspec.structs.fields(record)]
    if unknown := re.search(r"unknown field `(.*)`", text):
        remedy = suggest(unknown[1], fields)
        return StudyError(f"unknown key {unknown[1]!r}", where=place, remedy=remedy)
    if missing := re.search(r"missing required field `(.*)`", text):
        return StudyError(f"the key {missing[1]!r} is missing", where=place)
    return StudyError(f"{text[:1].lower()}{text[1:]}", where=place)


def _record_at(key: str) -> type[Record]:
    """Return the record that the table at ``key`` becomes: ``spaces[0].axes[...]`` is a range."""
    if ".axes" in key:
        return Range
    return _TABLES.get(re.split(r"[\[.]", key)[0], Study)
