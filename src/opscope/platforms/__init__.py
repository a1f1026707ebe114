"""Platforms: device + runtime + options. One file per family; heavy packages load in functions."""
