"""Timings of opscope's own work, printed beside their targets. Run by `make bench`, never in CI."""
