"""The command line: parse, one call of `opscope.api`, print. One file per group of commands."""

from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line; from here on an interrupt ends it in one line."""
    from opscope.cli import interruption

    interruption.answer_once()
    try:
        from opscope.cli import app
    except KeyboardInterrupt:
        interruption.leave()
    app.main()
