"""The command line: parse, one call of `opscope.api`, print. One file per group of commands."""

from opscope.cli.app import main

__all__ = ["main"]
