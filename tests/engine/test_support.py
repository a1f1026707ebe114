import pytest

from opscope.core.configuration import Precision
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.support import EXAMPLES, try_all
from opscope.graph import KINDS, resolve


@pytest.fixture(scope="module")
def executor():
    with LocalExecutor() as executor:
        yield executor


def test_every_kind_of_operator_and_block_has_an_example():
    covered = {(c.kind, c.name) for c in map(resolve, EXAMPLES)}
    wanted = {key for key in KINDS if key[0] not in {"backbone", "zoo", "file"}}
    assert covered == wanted


def test_a_matrix_says_what_runs_and_why_not(executor):
    examples = ("conv:h=14,cin=16,cout=32,k=3", "gru:t=8,cin=16,hidden=16")
    found = try_all("onnxruntime-cpu", executor=executor, examples=examples)
    cells = {(s.workload.configuration.kind, s.workload.precision): s for s in found}
    assert cells["conv", Precision.INT8].status == "ok"
    assert dict(cells["conv", Precision.INT8].execution.kernels)["QLinearConv"] == 1
    assert cells["gru", Precision.FP32].status == "ok"
    refused = cells["gru", Precision.INT8]
    assert refused.status == "unsupported"
    assert "GRU in f32: none of it in int8" in refused.reason


def test_precisions_that_a_platform_does_not_list_are_refused_by_name(executor):
    (found,) = try_all(
        "openvino-cpu", executor=executor, precisions=[Precision.DFP8], examples=EXAMPLES[:1]
    )
    assert found.status == "unsupported"
    assert "emulated for accuracy only" in found.reason
