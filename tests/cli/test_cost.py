import json

import onnx
import pytest

from tests.cli.running import opscope_command

KEYS = {
    *("macs", "elementwise_ops", "parameters", "memory_access_elements", "memory_access_bytes"),
    *("peak_activation_bytes", "memory_footprint_bytes", "operational_density", "layers"),
}


def test_one_model_as_json():
    answer = json.loads(opscope_command("cost", "conv:h=28,cin=320,cout=64,k=3", "--json").stdout)
    assert set(answer) >= KEYS
    assert answer["macs"] == 28 * 28 * 320 * 64 * 9
    assert answer["parameters"] == 320 * 64 * 9 + 64
    assert [layer["operator"] for layer in answer["layers"]] == ["Conv"]


def test_batch_and_precision_count():
    model = "conv:h=8,cin=3,cout=4,k=3,bias=0"
    plain = json.loads(opscope_command("cost", model, "--json").stdout)
    options = ("--precision", "int8", "--batch", "2", "--json")
    other = json.loads(opscope_command("cost", model, *options).stdout)
    assert other["macs"] == 2 * plain["macs"]
    assert other["peak_activation_bytes"] * 2 == plain["peak_activation_bytes"]


def test_several_models_side_by_side():
    models = ("zoo:mobilenet_v2,input=96", "zoo:resnet18,input=96")
    page = opscope_command("cost", *models).stdout
    assert "zoo:mobilenet_v2" in page
    assert "zoo:resnet18" in page
    assert "peak at" in page
    rows = json.loads(opscope_command("cost", *models, "--json").stdout)
    assert rows[0]["macs"] < rows[1]["macs"]


def test_the_table_of_layers_ends_with_the_totals():
    page = opscope_command("cost", "conv:h=28,cin=320,cout=64,k=3,act=relu6").stdout
    assert "conv0" in page
    assert "clip0" in page
    assert "144.5 M" in page
    assert "144,506,880" in page


@pytest.mark.parametrize(("flash", "word"), [("10000000", "fits"), ("1000", "does not fit")])
def test_whether_it_fits_a_device(flash, word):
    options = ("--flash", flash, "--sram", "10000000")
    assert word in opscope_command("cost", "conv:h=28,cin=32,cout=64,k=3", *options).stdout


def test_flash_alone_is_half_a_question():
    result = opscope_command("cost", "conv:h=8,cin=3,cout=4,k=3", "--flash", "1")
    assert result.returncode == 2
    assert "belong together" in result.stderr


def test_a_graph_is_written_as_a_checked_model(tmp_path):
    path = tmp_path / "model.onnx"
    result = opscope_command("graph", "block:mobilenet_v2,h=14,cin=8", "-o", str(path))
    assert result.returncode == 0, result.stderr
    onnx.checker.check_model(onnx.load(path), full_check=True)
    bad = opscope_command("graph", "conv:h=8,cin=3,cout=4,k=3", "-o", str(tmp_path / "no" / "x"))
    assert (bad.returncode, "cannot be written" in bad.stderr) == (2, True)
