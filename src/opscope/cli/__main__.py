"""``python -m opscope.cli`` is ``opscope``."""

from opscope.cli import main

main()
