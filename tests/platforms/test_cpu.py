from pathlib import Path

import pytest

from opscope.platforms import cpu

X86 = """processor	: 0
model name	: A Processor @ 2.0GHz
flags		: fpu sse4_2 avx avx2 avx512f

processor	: 1
model name	: Another
flags		: fpu amx_tile
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp\nCPU part\t: 0xd0c\n"


@pytest.mark.parametrize(
    ("text", "name", "extensions"),
    [
        (X86, "A Processor @ 2.0GHz", ("sse4_2", "avx", "avx2", "avx512f")),
        (ARM, "0xd0c", ("asimd", "asimddp")),
    ],
)
def test_a_processor_is_named_with_the_extensions_it_has(monkeypatch, text, name, extensions):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    assert cpu.describe.__wrapped__() == (name, extensions)


def test_a_kernel_that_tells_nothing_is_no_fault(monkeypatch):
    monkeypatch.setattr(cpu, "Path", lambda _: Path("/no/such/file"))
    name, extensions = cpu.describe.__wrapped__()
    assert name
    assert extensions == ()
