"""Screen: rich's console as opscope uses it. Streams and encodings are `streams`'s."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from opscope.cli.streams import visible


class Screen(Console):
    """A console on which no text can act as a command to the terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render texts with their control characters made visible, everything else as it is."""
        if isinstance(renderable, str):
            renderable = visible(renderable)
        elif isinstance(renderable, Text) and (shown := visible(renderable.plain)):
            renderable = renderable.copy()
            renderable.plain = shown
        return super().render(renderable, options)
