"""PyTorch export files (.pt2): what may be in one, checked before PyTorch sees any of it.

PyTorch's own reader unpickles sample inputs and flagged weights, evaluates shape expressions as
Python, and calls whatever function of the torch package a node names. Here only plain tensors and
calls of ATen operators pass; everything else is refused by name or left out.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from pathlib import Path
from typing import Any

from msgspec import structs

from opscope.errors import ConfigurationError
from opscope.graph.importers.files import digest_of, read_model
from opscope.graph.importers.source import Source
from opscope.graph.importers.torch_json import clean_program
from opscope.graph.importers.torch_program import import_torch, quiet, source_of_program

_ENTRIES_LIMIT = 100_000
_JSON_LIMIT_BYTES = 64 << 20
_GROWTH_LIMIT_BYTES = 64 << 20
"""What tensors may take beyond twice their files; a stride of 0 repeats a number for nothing."""

_CONTENTS = ("models/", "data/weights/", "data/constants/")
_PROGRAM = re.compile(r"models/[A-Za-z0-9_.-]+\.json")
_PLAIN = re.compile(r"data/(?:weights/weight|constants/tensor)_[0-9]+")
_MARKS = ("archive_format", "archive_version", "byteorder", ".data/version")
_REMEDY = "Save the program again with torch.export.save."

_ITEM_BYTES = {
    **dict.fromkeys((1, 2, 12, 29, 30, 31, 32, 33), 1),
    **dict.fromkeys((3, 6, 13, 28), 2),
    **dict.fromkeys((4, 7, 9, 34), 4),
    **dict.fromkeys((5, 8, 10, 35), 8),
    11: 16,
}
"""Bytes of a number by the ScalarType of PyTorch's export schema."""


def read_program(path: Path) -> Source:
    """Return the model of a PyTorch export file; nothing in it is unpickled or executed.

    Raises:
        ConfigurationError: If the archive is damaged or hostile, or calls more than ATen operators.
        PlatformUnavailable: If PyTorch is missing.
    """
    data = read_model(path)
    clean = clean_archive(data)
    torch = import_torch()
    program = _load(torch, clean)
    source = source_of_program(program)
    return structs.replace(source, content=digest_of(data, {}))


def clean_archive(data: bytes) -> bytes:
    """Return the archive with nothing in it that PyTorch would unpickle or evaluate.

    Raises:
        ConfigurationError: Saying what is in it that must not be.
    """
    entries = _entries(data)
    models = [name for name in entries if _PROGRAM.fullmatch(name)]
    if len(models) != 1:
        raise ConfigurationError(f"it holds {len(models)} programs instead of one", remedy=_REMEDY)
    model = models[0].removeprefix("models/").removesuffix(".json")
    clean = {name: entries[name] for name in _MARKS if name in entries}
    clean[models[0]] = json.dumps(clean_program(_json(entries, models[0]))).encode()
    for kind in ("weights", "constants"):
        name = f"data/{kind}/{model}_{kind}_config.json"
        config = _json(entries, name)
        clean[name] = json.dumps(config).encode()
        for path in _check_tensors(config, kind, entries):
            clean[path] = entries[path]
    clean[f"data/sample_inputs/{model}.pt"] = b""
    return _archive(clean)


def _entries(data: bytes) -> dict[str, bytes]:
    """Return the files in the archive that a program needs; none may be compressed or overlap."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _check_sizes(infos, len(data))
            named = {info.filename.partition("/")[2]: info for info in infos}
            return {
                name: archive.read(info)
                for name, info in named.items()
                if name.startswith(_CONTENTS) or name in _MARKS
            }
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as exc:
        raise ConfigurationError(
            f"not a PyTorch export file, or cut short or damaged: {exc}", remedy=_REMEDY
        ) from exc


def _check_sizes(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse archives that unpack to more than they take."""
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ConfigurationError(
                f"{info.filename!r} in it is compressed, which PyTorch never does", remedy=_REMEDY
            )
    if len(infos) > _ENTRIES_LIMIT or sum(info.file_size for info in infos) > size:
        raise ConfigurationError("its files take more than the archive has", remedy=_REMEDY)
    names = [info.filename for info in infos]
    roots = {name.partition("/")[0] for name in names}
    if len(set(names)) < len(names) or len(roots) != 1:
        raise ConfigurationError("its files are not in one folder, each once", remedy=_REMEDY)


def _json(entries: dict[str, bytes], name: str) -> dict[str, Any]:
    text = entries.get(name, b"")
    try:
        if len(text) > _JSON_LIMIT_BYTES:
            raise ValueError("it is too large")  # noqa: TRY301 - told like every other fault
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ConfigurationError(f"{name!r} in it cannot be read: {exc}", remedy=_REMEDY) from exc
    if not isinstance(value, dict):
        raise ConfigurationError(f"{name!r} in it is no object", remedy=_REMEDY)
    return value


def _check_tensors(config: dict[str, Any], kind: str, entries: dict[str, bytes]) -> set[str]:
    """Return the files that hold weights or constants, refusing all but plain bytes of tensors.

    Raises:
        ConfigurationError: Naming the tensor.
    """
    tensors = config.get("config")
    if not isinstance(tensors, dict):
        raise ConfigurationError(f"its list of {kind} is damaged", remedy=_REMEDY)
    paths, taken = set(), 0
    for name, entry in tensors.items():
        where = f"{kind} {name!r}"
        if not isinstance(entry, dict) or not isinstance(entry.get("tensor_meta"), dict):
            raise ConfigurationError(
                "it is no plain tensor and would have to be unpickled",
                where=where,
                remedy="Export the program with dense tensors on the CPU only.",
            )
        path = f"data/{kind}/{entry.get('path_name')}"
        if entry.get("use_pickle") is not False or not _PLAIN.fullmatch(path):
            raise ConfigurationError(
                "it is pickled, and unpickling runs code",
                where=where,
                remedy="Export the program with dense tensors on the CPU only.",
            )
        if path not in entries:
            raise ConfigurationError("its file is missing", where=where, remedy=_REMEDY)
        taken += _check_extent(entry["tensor_meta"], len(entries[path]), where)
        paths.add(path)
    if taken > 2 * sum(len(entries[path]) for path in paths) + _GROWTH_LIMIT_BYTES:
        raise ConfigurationError(
            f"its {kind} share bytes and take {taken} of them spread out", remedy=_REMEDY
        )
    return paths


def _check_extent(meta: dict[str, Any], held: int, where: str) -> int:
    """Return the bytes of a tensor spread out, refusing one that reaches beyond those it has."""
    try:
        sizes = [int(size["as_int"]) for size in meta["sizes"]]
        strides = [int(stride["as_int"]) for stride in meta["strides"]]
        offset = int(meta["storage_offset"]["as_int"])
        item = _ITEM_BYTES[meta["dtype"]]
        device = meta["device"]["type"]
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(
            "its shape or type cannot be read", where=where, remedy=_REMEDY
        ) from exc
    whole = min([offset, *sizes, *strides], default=0) >= 0 and len(sizes) == len(strides)
    last = offset + sum((n - 1) * stride for n, stride in zip(sizes, strides, strict=False))
    if not whole or device != "cpu" or (0 not in sizes and (last + 1) * item > held):
        raise ConfigurationError(
            f"its shape {sizes} does not fit its {held} bytes", where=where, remedy=_REMEDY
        )
    return math.prod(sizes) * item


def _archive(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(f"model/{name}"), content)
    return buffer.getvalue()


def _load(torch: Any, clean: bytes) -> Any:
    try:
        with quiet():  # else PyTorch prints the traceback of what it then raises
            return torch.export.load(io.BytesIO(clean))
    except Exception as exc:
        raise ConfigurationError(
            f"PyTorch cannot read the program: {str(exc)[:300].rstrip(' .')}",
            remedy=f"{_REMEDY} It must be of PyTorch {torch.__version__} or an earlier one.",
        ) from exc
