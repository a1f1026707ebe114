from opscope.platforms.registry import open_platform
from opscope.testing.platforms import PlatformConformance


class TestOnnxRuntimeCpu(PlatformConformance):
    platform = "onnxruntime-cpu"
    package = "onnxruntime"


class TestTwoThreads(PlatformConformance):
    platform = "onnxruntime-cpu:threads=2"
    package = "onnxruntime"


def test_threads_are_part_of_the_fingerprint_and_the_default_is_not_written():
    one, two = (open_platform(f"onnxruntime-cpu:threads={n}").info() for n in (1, 2))
    assert one.name == "onnxruntime-cpu"
    assert two.name == "onnxruntime-cpu:threads=2"
    assert one.fingerprint != two.fingerprint
