"""Design: the hyper-parameters of one kind of configuration, checked, and how it becomes a graph.

A kind is one class: its fields are the parameters a configuration may have, `check` says which
values are impossible, `build` adds the nodes. The kinds live in the modules beside this one, and
`opscope.graph.catalogue` lists them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.core.record import Record
from opscope.core.text import Value
from opscope.errors import ConfigurationError
from opscope.graph.graph import Tensor
from opscope.graph.network import Network

Size = Annotated[int, msgspec.Meta(ge=1, le=65_536)]
"""A count of pixels, channels, groups or taps."""

Flag = Annotated[int, msgspec.Meta(ge=0, le=1)]
"""0 or 1, as a configuration's text spells no and yes."""


class Design(Record, frozen=True, kw_only=True):
    """One kind of configuration. Fields are its hyper-parameters, in canonical order."""

    kind: ClassVar[str]
    name: ClassVar[str] = ""

    def check(self) -> None:
        """Refuse values that cannot go together.

        Raises:
            ConfigurationError: Saying which, and what would.
        """

    def build(self, net: Network, batch: int) -> Tensor:
        """Add input and nodes to ``net`` and return the output."""
        raise NotImplementedError

    def implied(self) -> dict[str, Value]:
        """Return what parameters left out stand for: ``w`` for the value of ``h``.

        Written out, such a value means the same configuration, so its canonical form omits it.
        """
        return {}

    def refuse(self, what: str, remedy: str, *fields: str) -> ConfigurationError:
        """Return the error for impossible values of ``fields``."""
        implied = self.implied()
        given = ((field, getattr(self, field)) for field in fields)
        values = ", ".join(f"{k}={implied.get(k) if v is None else v}" for k, v in given)
        head = f"{self.kind}:{self.name}" if self.name else self.kind
        return ConfigurationError(what, where=f"{head}({values})", remedy=remedy)
