"""Notifications: tells people what needs them, once, and never at the cost of the work."""
