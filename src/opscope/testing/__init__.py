"""Conformance suites for those who write platforms, here and in other packages."""
