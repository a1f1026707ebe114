"""Fixtures shared by every floor's tests."""
