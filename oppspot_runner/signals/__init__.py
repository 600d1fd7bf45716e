"""Signals: what says that now is the time to speak to a company, and how much. No I/O."""
