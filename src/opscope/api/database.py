"""Where trials are kept unless another file is named."""

from pathlib import Path

DATABASE = Path("opscope.db")
