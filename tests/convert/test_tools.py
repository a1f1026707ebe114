import ctypes
import os
import sys

import pytest

from opscope.convert.quiet import quiet
from opscope.convert.tools import failure, no_form, run_tool
from opscope.errors import PlatformError
from opscope.testing.graphs import graph_of


def test_a_tool_runs_in_the_folder_and_what_it_prints_is_returned(tmp_path):
    code = "import os, sys; print(os.getcwd()); print('twice', file=sys.stderr)"
    said = run_tool("it", [sys.executable, "-c", code], tmp_path)
    assert sorted(said.split()) == sorted([str(tmp_path), "twice"])


def test_a_tool_that_crashes_is_an_error_with_the_signal_s_name(tmp_path):
    with pytest.raises(PlatformError, match=r"it crashes on the graph \(SIGABRT\)"):
        run_tool("it", [sys.executable, "-c", "import os; os.abort()"], tmp_path)


def test_a_failure_is_told_by_the_last_that_was_printed():
    assert failure("it", "one\n two \n\n").what == "it fails: two"
    assert failure("it", "").what == "it fails: it does not say why"


def test_an_operator_without_a_form_is_told_with_its_nodes():
    graph = graph_of("block:resnet_basic,h=8,cin=4")
    told = no_form("it", graph, ["Relu", "Conv", "Relu"]).what
    assert told == "it has no form of Relu (relu0, relu1), Conv (conv0, conv1)"
    five = graph_of("mixconv:h=8,c=10,groups=5")
    assert no_form("it", five, ["Conv"]).what.endswith("Conv (conv0, conv1, conv2, …)")


def test_what_native_code_prints_is_kept_back_and_told(capfd):
    with quiet() as said:
        os.write(2, b"err ")
        ctypes.CDLL(None).printf(b"out")  # stays in C's buffer
        sys.stdout.write("!")
        assert sorted(said()) == sorted("err out!")
    os.write(1, b"after")
    assert capfd.readouterr() == ("after", "")
