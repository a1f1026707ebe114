"""Inductor: a module compiled as one graph, all of it, and the kernels that it became, noted."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from opscope.convert.torch import Sources
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.platforms.execution import Seen
from opscope.platforms.pytorch.deployment import refusal, runtime
from opscope.platforms.pytorch.lowering import steps_of


class Compiled(NamedTuple):
    """A network that runs in one piece, and its kernels in the order in which they run."""

    network: Callable[..., Sequence[Any]]
    steps: tuple[Seen, ...]


def compile_whole(
    module: Any, inputs: Sequence[Any], sources: Sources, *, settings: Mapping[str, Any]
) -> Compiled:
    """Compile ``module`` for inputs like ``inputs``, and call it once with them.

    Nothing is left to PyTorch's eager mode: what inductor cannot have is an error, and so is more
    than one graph or none. ``torch._dynamo.reset`` is not called: it would have every deployment
    of the process compiled again in its next call. Nor is it needed, since each `GraphModule` has
    code of its own, so that none reaches the limit of how often one code is compiled.

    Args:
        module: A GraphModule.
        inputs: What it is compiled for: shapes, formats and layouts.
        sources: Of its nodes.
        settings: Of inductor, beside those that are the same for all.

    Raises:
        PlatformError: If inductor refuses the module or takes it apart.
    """
    torch, lowered = runtime(), list[list[Seen]]()

    def note(kernels: list[Any]) -> list[Any]:
        lowered.append(steps_of(kernels, sources))
        return kernels

    network = torch.compile(module, fullgraph=True, dynamic=False)
    before = graphs()
    with _configured({"_post_fusion_custom_pass": note, **settings}):
        try:
            network(*inputs)
        except Exception as exc:  # dynamo, inductor and the compiler raise dozens of types
            raise refusal(exc, "inductor") from exc
    if (found := graphs() - before) != 1 or len(lowered) != 1:
        raise PlatformError(f"inductor made {found} graphs of the network, {len(lowered)} compiled")
    return Compiled(network, tuple(lowered[0]))


def refuse_recurrent(module: Any) -> None:
    """Refuse a module of which torch.compile would leave parts to eager mode.

    Raises:
        UnsupportedWorkload: If it has a recurrent layer; it names it.
    """
    torch = runtime()
    for node in module.graph.nodes:
        called = module.get_submodule(node.target) if node.op == "call_module" else None
        if isinstance(called, torch.nn.RNNBase):
            raise UnsupportedWorkload(
                "torch.compile leaves it to eager mode", where=f"node {node.name} (GRU)"
            )


@contextmanager
def _configured(settings: Mapping[str, Any]) -> Iterator[None]:
    """Have inductor compile in this process, and leave no compiler's process for later.

    Graphs are not taken from its cache, which would not say what they were lowered to.
    """
    from torch._dynamo import config as dynamo
    from torch._inductor import config as inductor

    common = {
        "compile_threads": 1,
        "fx_graph_cache": False,
        "cpp_cache_precompile_headers": shutil.which("openssl") is not None,  # it hashes with that
    }
    with (
        warnings.catch_warnings(),
        inductor.patch({**common, **settings}),
        dynamo.patch(fail_on_recompile_limit_hit=True),
    ):
        warnings.simplefilter("ignore")
        yield


def graphs() -> int:
    """Return how many graphs were compiled in this process so far."""
    from torch._dynamo.utils import counters

    count: int = counters["stats"]["unique_graphs"]
    return count
