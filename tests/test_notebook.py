"""Displaying records where IPython runs; a stand-in for it takes note of what it is told."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from opscope import api
from opscope.api.notebook import register


class Formatter(dict):
    def for_type_by_name(self, module, name, function):
        self[module, name] = function


@pytest.fixture
def html(monkeypatch):
    formatter = Formatter()
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return formatter


def test_the_first_use_of_the_api_has_records_displayed(html):
    assert not html
    study = api.study("conv-channels")
    kind = type(study)
    page = html[kind.__module__, kind.__name__](study)
    assert study.question in page
    assert {name for _, name in html} == {
        *("Study", "Finding", "Measurement", "Comparison", "Overview", "Chart")
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


def test_opscope_imports_neither_ipython_nor_what_draws_until_it_is_needed():
    code = (
        "import sys; from opscope import api; api.studies(); "
        "print(*(m for m in ('IPython', 'matplotlib', 'plotly', 'polars') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
