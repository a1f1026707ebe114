"""Statistics on plain numbers: robust location, intervals, change points. Knows no records."""
