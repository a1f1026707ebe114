"""The engine: a study becomes jobs, cohorts, trials. The worker knows nothing of the store."""
