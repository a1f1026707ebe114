import pytest

from opscope.convert.tflite.quantization import quantised
from opscope.platforms.reference import run_reference
from tests.convert.tflite.forms import codes_of, form_of, outputs_of

pytest.importorskip("ai_edge_quantizer", reason="the extra litert-int8 is not installed")


def test_operators_stay_and_nothing_is_printed(capfd):
    graph, model = form_of("block:mobilenet_v2,h=8,cin=8")
    integers = quantised(model, graph, 1)
    assert codes_of(integers.data) == codes_of(model.data)
    assert len(integers.data) < len(model.data) * 2
    assert integers.sources == model.sources
    printed = capfd.readouterr()
    assert not printed.out
    assert "%|" not in printed.err


def test_inputs_and_outputs_are_integers_of_8_bits():
    from ai_edge_litert.interpreter import Interpreter

    graph, model = form_of("conv:h=8,cin=4,cout=6,k=3")
    interpreter = Interpreter(model_content=quantised(model, graph, 1).data)
    details = (*interpreter.get_input_details(), *interpreter.get_output_details())
    assert {detail["dtype"].__name__ for detail in details} == {"int8"}
    assert (
        outputs_of(model, graph.draw_inputs(1)).keys()
        == run_reference(graph, 1, graph.draw_inputs(1)).outputs.keys()
    )
