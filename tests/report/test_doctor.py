import io

from rich.console import Console

from opscope.analysis.machine import diagnose
from opscope.report.doctor import diagnosis_view
from tests.analysis.test_machine import changed, examined, rounds


def shown(found, width=200):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(diagnosis_view(found))
    return console.file.getvalue()


def test_a_diagnosis_is_shown_in_sections():
    text = shown(diagnose(examined()))
    lines = text.splitlines()
    assert lines[0] == "made-up (none 1)"
    assert lines[1].startswith("Good for measuring: ±2% takes 8 rounds")
    sections = ["Machine", "Steadiness", "Speed", "What to expect", "What to change"]
    starts = [text.index(f"\n{section}") for section in sections]
    assert starts == sorted(starts)
    assert "4 of 8 processors to use" in text
    assert "no trend beyond noise" in text
    assert "1e+11" not in text
    assert "GMAC/s" in text
    assert "GB/s" in text
    assert "3 GHz – 3 GHz" in text
    assert "What to change\nnothing" in text
    assert "Not known" not in text


def test_advice_and_what_is_unknown_are_shown_with_reasons():
    environment = changed(turbo=None, cpu_limit=1.5, absent={"turbo": "not available, because x"})
    text = shown(diagnose(examined(rounds(others=1.0), environment=environment)))
    assert "grants 1.5 processors' worth of time" in text
    assert "• other processes took 1.00 of 8 processors: they preempt" in text
    assert "1.00 of 8 processors" in text
    assert "Not known\nturbo  because x" in text


def test_few_rounds_show_no_figure_they_cannot_bear():
    text = shown(diagnose(examined(rounds(3))))
    assert text.count("too few were seen") == 3
    restless = shown(diagnose(examined(rounds(30), noise=0.2)))
    assert "more than 30" in restless
    assert "more than 40" not in restless
    assert "other processes  not known" in text
