"""The outside world: what speaks to other systems. Knows no database."""
