from opscope.testing.platforms import PlatformConformance


class TestLiteRtCpu(PlatformConformance):
    platform = "litert-cpu"
    package = "ai-edge-litert"


class TestTwoThreads(PlatformConformance):
    platform = "litert-cpu:threads=2"
    package = "ai-edge-litert"
