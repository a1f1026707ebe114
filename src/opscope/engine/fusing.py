"""Finding out what a platform fuses: pairs of operators, together and each by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from opscope.analysis.fusion import fusion
from opscope.core.configuration import Precision, Workload
from opscope.core.fusion import Fusion
from opscope.core.study import Cohort, Job, Limits, MeterName, Protocol
from opscope.core.trial import Trial
from opscope.engine.executors.base import Executor, Progress
from opscope.graph import build, resolve
from opscope.graph.activations import Activation

_CONV, _ACROSS = "conv:h=28,cin=64,cout=64,k=1", "h=28,c=64"

PAIRS: Mapping[str, tuple[str, str, str]] = {
    "conv+batch_norm": (f"{_CONV},bn=1", _CONV, f"batch_norm:{_ACROSS}"),
    **{
        f"conv+{act}": (f"{_CONV},act={act}", _CONV, f"act:{act},{_ACROSS}")
        for act in Activation
        if act is not Activation.NONE
    },
    "conv+add": (f"{_CONV},skip=1", _CONV, f"add:{_ACROSS}"),
    "block+se": (
        "block:mobilenet_v2_se,h=28,cin=32",
        "block:mobilenet_v2,h=28,cin=32",
        "block:se,h=28,cin=192",
    ),
}
"""Each pair: one behind the other, the first alone, the second alone."""

Watch = Callable[[Progress], None]


def find_fusions(
    platform: str,
    *,
    executor: Executor,
    precision: Precision = Precision.FP32,
    watch: Watch | None = None,
) -> list[Fusion]:
    """Measure each pair in one cohort and say what is fused.

    Args:
        platform: Text of a platform.
        executor: Where to measure.
        precision: In which precision.
        watch: Called at every sign of life.

    Raises:
        OpscopeError: If the platform cannot be opened.
    """
    info, _ = executor.describe(platform)
    texts = dict.fromkeys(text for pair in PAIRS.values() for text in pair)
    jobs = {
        text: Job(
            workload=Workload(configuration=resolve(text), precision=precision),
            platform=info.name,
            meter=MeterName(name="layer-latency"),
        )
        for text in texts
    }
    cohort = Cohort(
        platform=info.name,
        jobs=tuple(jobs.values()),
        protocol=Protocol(),
        limits=Limits(),
        seed=0,
        timed=info.deployments == "timed",
    )
    found: dict[Job, Trial] = {}
    for item in executor.execute([cohort]):
        if isinstance(item, Trial):
            found[item.job] = item
        elif watch:
            watch(item)
    fusions = []
    for name, pair in PAIRS.items():
        both, first, second = (found[jobs[text]] for text in pair)
        fusions.append(fusion(name, both, first, second, _operators(both.job.workload)))
    return fusions


def _operators(workload: Workload) -> str:
    nodes = onnx.ModelProto.FromString(build(workload).structure).graph.node
    return "+".join(node.op_type for node in nodes)
