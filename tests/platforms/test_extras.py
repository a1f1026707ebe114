"""Every package that an extra brings: what is said where it is missing, unfit or there in part."""

import importlib.metadata
import re
import sys
from importlib.metadata import PackageNotFoundError

import pytest
from packaging.requirements import Requirement

from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformUnavailable
from opscope.graph import resolve
from opscope.platforms.registry import list_platforms, open_platform

PLATFORMS = {
    "ai-edge-quantizer": "litert-cpu",
    "executorch": "executorch-xnnpack",
    "mnn": "mnn-cpu",
    "ncnn": "ncnn-cpu",
    "nvidia-ml-py": "",
    "onnxruntime-gpu": "onnxruntime-cuda",
    "onnxruntime-qnn": "onnxruntime-qnn",
    "onnxscript": "",
    "opencv-python-headless": "opencv-dnn",
    "pnnx": "ncnn-cpu",
    "tensorrt-cu13": "tensorrt",
    "torch": "pytorch-cpu",
    "torchao": "executorch-xnnpack",
}
"""The platform by which a package's absence shows, if one does. torch itself asks for onnxscript;
without nvidia-ml-py each visit to a GPU says why it has no clocks."""

INT8_ALONE = {"ai-edge-quantizer"}
"""Packages without which a platform still runs in FP32."""

INT8 = Workload(configuration=resolve("conv:h=8,cin=3,cout=5,k=3"), precision=Precision.INT8)

BROUGHT = {
    requirement.name.lower(): next(
        bound.version for bound in requirement.specifier if bound.operator in {">=", "=="}
    )
    for requirement in map(Requirement, importlib.metadata.requires("opscope") or ())
    if requirement.marker and "extra" in str(requirement.marker)
}
"""Each package that comes by an extra, and the oldest version of it that will do."""


@pytest.fixture
def said(monkeypatch):
    """Return a function: what is said of a package that is installed in a version, or not.

    All others that extras bring seem to be there, whether they are or not.
    """
    real = importlib.metadata.version

    def said(package, version):
        def pretend(name):
            if name.lower() != package:
                return BROUGHT.get(name.lower()) or real(name)
            if version is None:
                raise PackageNotFoundError(name)
            return version

        monkeypatch.setattr(importlib.metadata, "version", pretend)
        platform = PLATFORMS[package]
        if package in INT8_ALONE:
            return open_platform(platform).supports(INT8)
        (row,) = (row for row in list_platforms() if row.name == platform)
        assert not row.available
        with pytest.raises(PlatformUnavailable, match=re.escape(row.reason.rstrip("."))):
            open_platform(platform)
        return row.reason

    return said


def test_what_extras_bring_is_known_here():
    assert set(BROUGHT) == set(PLATFORMS)


@pytest.mark.parametrize("package", [name for name, platform in PLATFORMS.items() if platform])
@pytest.mark.parametrize(
    ("version", "what"),
    [
        (None, r"the package {name} is missing; install it with: pip install '{needed}'"),
        ("0.0.1", r"{name} 0\.0\.1 is installed, and {needed} is needed: pip install '{needed}'"),
        ("", r"{name} is installed in part only\. .*: pip install --force-reinstall '{needed}'"),
    ],
)
def test_its_state_is_told_in_one_line_with_the_command_that_mends_it(package, version, what, said):
    reason = said(package, version)
    needed = rf"{re.escape(package)}[<>=][^' ]+"  # the range that opscope declares
    assert re.search("(?i)" + what.format(name=re.escape(package), needed=needed), reason)
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("platform", "package", "module"),
    [
        ("litert-cpu", "ai-edge-quantizer", "ai_edge_quantizer.quantizer"),
        ("executorch-xnnpack", "torchao", "torchao.quantization.pt2e.quantize_pt2e"),
        ("pytorch-compile", "torchao", "torchao"),
    ],
)
def test_a_broken_quantiser_is_told_with_what_mends_it(platform, package, module, monkeypatch):
    (row,) = (row for row in list_platforms() if row.name == platform)
    if not row.available or Precision.INT8 not in row.precisions:
        pytest.skip(f"{platform} has no INT8 here; it needs {package}. {row.reason}")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PlatformUnavailable, match=f"package {package}.* is broken") as caught:
        open_platform(platform).prepare(INT8, seed=0, instrumentation=Instrumentation())
    assert f"pip install --force-reinstall '{package}" in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_converter_whose_executable_is_gone_is_told_with_what_mends_it(monkeypatch, tmp_path):
    (row,) = (row for row in list_platforms() if row.name == "ncnn-cpu")
    if not row.available:
        pytest.skip(f"ncnn-cpu needs opscope[ncnn]: {row.reason}")
    monkeypatch.setattr("opscope.platforms.ncnn.executable", lambda: tmp_path / "pnnx")
    with pytest.raises(
        PlatformUnavailable, match=r"package pnnx.* is broken: it has no pnnx\."
    ) as e:
        open_platform("ncnn-cpu").load()
    assert "pip install --force-reinstall 'pnnx" in e.value.remedy
