from opscope.testing.platforms import PlatformConformance


class TestToy(PlatformConformance):
    platform = "toy"
