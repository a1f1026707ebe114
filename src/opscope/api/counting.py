"""Counting and writing networks, without running them."""

from __future__ import annotations

from pathlib import Path

from opscope.core.configuration import Precision, Workload
from opscope.core.record import Record
from opscope.cost.records import Cost
from opscope.errors import InputError


class Counted(Record, frozen=True, kw_only=True):
    """What a workload costs that can be counted."""

    workload: str
    cost: Cost


def cost(model: str, *, precision: Precision = Precision.FP32, batch: int = 1) -> Counted:
    """Count what a model costs without running it.

    Args:
        model: A configuration's text, as in ``zoo:mobilenet_v2,width=0.5``.
        precision: Number format of the bytes.
        batch: Images in a call; counts are of the whole batch.

    Raises:
        ConfigurationError: If the configuration cannot be meant.
    """
    from opscope.cost import count
    from opscope.graph import build, resolve

    workload = Workload(configuration=resolve(model), precision=precision, batch=batch)
    return Counted(workload=str(workload), cost=count(build(workload), precision=precision))


def write_graph(model: str, path: Path, *, batch: int = 1, seed: int = 0) -> int:
    """Write a model as an ONNX file, weights drawn from ``seed``; return its size in bytes.

    Above 2 GB the weights go into ``<path>.data`` beside it.

    Raises:
        ConfigurationError: If the configuration cannot be meant.
        InputError: If the file cannot be written.
    """
    from opscope.graph import build, resolve

    workload = Workload(configuration=resolve(model), batch=batch)
    graph = build(workload)
    try:
        return graph.save(path, seed)
    except OSError as exc:
        raise InputError(f"cannot be written: {exc.strerror}", where=str(path)) from exc
