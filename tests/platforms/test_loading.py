import errno
import stat
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import build, resolve
from opscope.graph.graph import Graph
from opscope.platforms.loading import loadable
from opscope.platforms.registry import open_platform

WORKLOAD = Workload(configuration=resolve("block:mobilenet_v2,h=8,cin=8"))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the empty directory that temporary files go to."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def small_limit(monkeypatch):
    """Let no more than 1,000 bytes fit into one message."""
    monkeypatch.setattr("opscope.graph.graph.PROTOBUF_LIMIT_BYTES", 1_000)


def test_a_model_that_fits_into_one_message_is_that_message(temporary):
    graph = build(WORKLOAD)
    with loadable(graph, 3) as model:
        assert model == graph.materialise(3).SerializeToString()
        assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("small_limit")
def test_a_larger_one_stands_in_files_for_its_owner_only_and_for_a_moment(temporary):
    graph = build(WORKLOAD)
    assert not graph.fits_one_message
    with loadable(graph, 3) as model:
        (folder,) = temporary.iterdir()
        assert Path(model).parent == folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["model.onnx", "model.onnx.data"]
        weights = {t.name: t.raw_data for t in onnx.load(model).graph.initializer}
    assert list(temporary.iterdir()) == []
    for weight in graph.weights:
        assert weights[weight.name] == weight.draw(3).tobytes()


@pytest.mark.usefixtures("small_limit")
def test_the_files_are_gone_after_a_refusal_too(temporary):
    def refuse():
        with loadable(build(WORKLOAD), 3):
            raise PlatformError("no")

    with pytest.raises(PlatformError, match=r"^no\.$"):
        refuse()
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("small_limit")
def test_a_full_disk_is_told_with_where_and_what_to_do(temporary, monkeypatch):
    def save(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Graph, "save", save)
    with pytest.raises(PlatformError, match=r"No space left.* TMPDIR") as caught:
        loadable(build(WORKLOAD), 3).__enter__()
    assert caught.value.where == str(temporary)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("platform", ["onnxruntime-cpu", "openvino-cpu"])
def test_a_model_from_files_computes_what_it_computes_from_a_message(
    platform, temporary, monkeypatch
):
    inputs = build(WORKLOAD).draw_inputs(1)

    def outputs():
        deployment = open_platform(platform).prepare(
            WORKLOAD, seed=3, instrumentation=Instrumentation()
        )
        assert list(temporary.iterdir()) == []
        deployment.bind(inputs)
        deployment.call()
        result = deployment.outputs()
        deployment.close()
        return result

    whole = outputs()
    monkeypatch.setattr("opscope.graph.graph.PROTOBUF_LIMIT_BYTES", 1_000)
    parts = outputs()
    assert parts.keys() == whole.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
