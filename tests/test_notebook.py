"""Displaying records where IPython runs; a stand-in for it takes note of what it is told."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from opscope import api
from opscope.api.notebook import register
from opscope.core.space import Space
from tests.builders import small_study


class Formatter(dict):
    def for_type_by_name(self, module, name, function):
        self[module, name] = function


@pytest.fixture
def html(monkeypatch):
    formatter = Formatter()
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, version_info=(9, 0))
    )
    return formatter


def test_the_first_use_of_the_api_has_records_displayed(html):
    assert not html
    study = api.study("conv-channels")
    kind = type(study)
    page = html[kind.__module__, kind.__name__](study)
    assert study.question in page
    assert {name for _, name in html} == {
        *("Study", "Measured", "Finding", "Measurement", "Comparison", "Overview", "Chart")
    }


def test_every_record_displayed_is_where_it_is_said_to_be(html):
    assert register()
    for module, name in html:
        __import__(module)
        assert isinstance(getattr(sys.modules[module], name), type)


def test_without_a_running_notebook_nothing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not register()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not register()


CELLS = """
import json
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
pages = []
shell = InteractiveShell.instance()
for cell in (
    "from opscope import api; api.study('conv-channels')",
    "measured = api.measure('conv:h=6,cin=3,cout=8,k=3', ['fake'])[0]; measured",
    "measured.quantity('latency_s')",
    "api.findings('small').findings[0]",
):
    done = shell.run_cell(cell).result
    pages.append(shell.display_formatter.format(done)[0]["text/html"])
Path("pages.json").write_text(json.dumps(pages))
"""


def test_cells_of_a_real_notebook_display_charts_and_tables(tmp_path):
    pytest.importorskip("IPython", reason="ipython is not installed")
    api.run_study(small_study(), ["fake"], database=tmp_path / "opscope.db")
    subprocess.run([sys.executable, "-c", CELLS], capture_output=True, check=True, cwd=tmp_path)
    study, measured, measurement, finding = json.loads((tmp_path / "pages.json").read_text())
    assert "MACs over cout, before anything is measured" in study
    assert "<td>configurations</td><td>128</td>" in study
    assert measured == f"<h4>fake, fp32, ok</h4>{measurement}"
    assert "<td>origin</td><td>estimated" in measurement
    assert "The cost rises in" in finding
    assert [page.count("<svg") for page in (study, measured, measurement, finding)] == [1] * 4


def test_a_study_that_cannot_be_expanded_still_says_what_it_asks(html):
    study = small_study(spaces=(Space(kind="gone", base={"a": 1}),), question="<what>")
    page = html_of(html, study)
    assert "&lt;what&gt;" in page
    assert "<td>configurations</td><td>cannot be told</td>" in page
    assert "<svg" not in page


def html_of(formatter, record):
    assert register()
    return formatter[type(record).__module__, type(record).__name__](record)


def test_opscope_imports_neither_ipython_nor_what_draws_until_it_is_needed():
    code = (
        "import sys; from opscope import api; api.studies(); "
        "print(*(m for m in ('IPython', 'matplotlib', 'plotly', 'polars') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
