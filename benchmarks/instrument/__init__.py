"""How far the instrument's latencies can be trusted, beside other tools. `make bench-instrument`."""
