"""Design: the hyper-parameters of one kind of configuration, checked, and how it becomes a graph.

A kind is one class: its fields are the parameters a configuration may have, `check` says which
values are impossible, `build` adds the nodes. The kinds live in the modules beside this one, and
`opscope.graph.catalogue` lists them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import msgspec

from opscope.core.configuration import Configuration
from opscope.core.parameters import canonical, read_parameters
from opscope.core.record import Record
from opscope.core.text import Value
from opscope.errors import ImpossibleError
from opscope.graph.graph import Graph, Tensor
from opscope.graph.network import Network

Size = Annotated[int, msgspec.Meta(ge=1, le=65_536)]
"""A count of pixels, channels, groups or taps."""

ANY_NAME = "*"
"""The name of a kind whose configurations are named by the user, as files are by their path."""

Flag = Annotated[int, msgspec.Meta(ge=0, le=1)]
"""0 or 1, as a configuration's text spells no and yes."""


class Design(Record, frozen=True, kw_only=True):
    """One kind of configuration. Fields are its hyper-parameters, in canonical order."""

    kind: ClassVar[str]
    name: ClassVar[str] = ""

    @classmethod
    def read(cls, configuration: Configuration) -> Self:
        """Return the design that ``configuration`` describes, not yet checked.

        Raises:
            ParameterError: If a parameter is unknown, missing or of a wrong type.
        """
        return read_parameters(configuration.parameters, cls, where=configuration)

    def configuration(self) -> Configuration:
        """Return the canonical configuration: in the fields' order, without what is implied."""
        parameters = canonical(self, self.implied())
        return Configuration(kind=self.kind, name=self.name, parameters=parameters)

    def graph(self, batch: int) -> Graph:
        """Return the checked graph, its weights not yet drawn."""
        net = Network()
        return net.finish(self.build(net, batch))

    def check(self) -> None:
        """Refuse values that cannot go together.

        Raises:
            ImpossibleError: Saying which, and what would.
        """

    def build(self, net: Network, batch: int) -> Tensor:
        """Add input and nodes to ``net`` and return the output."""
        raise NotImplementedError

    def implied(self) -> dict[str, Value]:
        """Return what parameters left out stand for: ``w`` for the value of ``h``.

        Written out, such a value means the same configuration, so its canonical form omits it.
        """
        return {}

    def values(self) -> dict[str, Value]:
        """Return every parameter that has a value, whether given, implied or by default."""
        given = msgspec.structs.asdict(self)
        return self.implied() | {key: value for key, value in given.items() if value is not None}

    def refuse(self, what: str, remedy: str, *fields: str) -> ImpossibleError:
        """Return the error for impossible values of ``fields``."""
        implied = self.implied()
        given = ((field, getattr(self, field)) for field in fields)
        values = ", ".join(f"{k}={implied.get(k) if v is None else v}" for k, v in given)
        head = f"{self.kind}:{self.name}" if self.name else self.kind
        return ImpossibleError(what, where=f"{head}({values})", remedy=remedy)
