import subprocess

import msgspec
import pytest

from opscope.platforms import probe
from opscope.platforms.registry import list_platforms

LISTINGS = {listing.name: listing for listing in list_platforms()}


def shadow(tmp_path, monkeypatch, code):
    """Put a package of this code before openvino, for processes that are started from here."""
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")


def test_what_loads_stays_available():
    rows = probe.probed([LISTINGS["openvino-cpu"], LISTINGS["fake"]])
    assert rows == [LISTINGS["fake"], LISTINGS["openvino-cpu"]]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ImportError('no library')", "ImportError: no library"),
        ("raise OSError('bad library')", "OSError: bad library"),
        ("print('chatter')", "it has no Core, Tensor"),
        ("import os; os.abort()", "loading it ends the process (SIGABRT)"),
        ("raise SystemExit(4)", "loading it ends the process (exit status 4)"),
        ("raise SystemExit(0)", "loading it ends the process (exit status 0)"),
    ],
)
def test_what_does_not_load_is_unavailable_with_the_remedy(tmp_path, monkeypatch, code, reason):
    shadow(tmp_path, monkeypatch, code)
    fake, row = probe.probed([LISTINGS["openvino-cpu"], LISTINGS["fake"]])
    assert fake.available
    assert not row.available
    assert reason in row.reason
    assert "einstall" in row.reason


def test_what_never_comes_back_is_given_up(tmp_path, monkeypatch):
    shadow(tmp_path, monkeypatch, "import time; time.sleep(1e6)")
    monkeypatch.setattr(probe, "LIMIT_S", 1.0)
    (row,) = probe.probed([LISTINGS["openvino-cpu"]])
    assert row.reason == "it did not load within 1 s"


def test_what_is_missing_already_is_not_tried(monkeypatch):
    missing = msgspec.structs.replace(LISTINGS["fake"], available=False, reason="gone")
    monkeypatch.setattr(subprocess, "Popen", None)
    assert probe.probed([missing]) == [missing]
