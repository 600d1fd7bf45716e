"""Subscribers of the daemon's events: logs."""
