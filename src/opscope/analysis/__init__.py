"""Records in, findings out: what the measurements say. Knows no platform, meter or store."""
