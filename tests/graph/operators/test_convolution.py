import onnx
import pytest

from opscope.core.configuration import Workload
from opscope.errors import ImpossibleError
from opscope.graph import build, resolve


def test_what_follows_a_convolution_comes_in_the_order_of_residual_networks():
    graph = build(Workload.parse("conv:h=8,cin=4,cout=4,k=3,bn=1,act=relu,skip=1"))
    nodes = onnx.ModelProto.FromString(graph.structure).graph.node
    assert [node.op_type for node in nodes] == ["Conv", "BatchNormalization", "Relu", "Add"]
    assert graph.inputs[0].name in nodes[-1].input


@pytest.mark.parametrize("rest", ["cout=6,k=3", "cout=4,k=3,s=2", "cout=4,k=3,pad=0"])
def test_a_skip_needs_the_input_s_shape(rest):
    with pytest.raises(ImpossibleError, match="skip adds the input, of another shape"):
        resolve(f"conv:h=8,cin=4,{rest},skip=1")
