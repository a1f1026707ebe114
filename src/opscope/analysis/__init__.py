"""Records and frames in, findings out. Knows nothing of platforms, meters, engine or store."""
