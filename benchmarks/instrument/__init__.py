"""How far latencies can be trusted, beside other tools: `make bench-instrument`."""
