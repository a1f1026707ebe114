"""The report: analysis results drawn, never computed. The terminal, so far."""
