"""Imports that take longer than a test of every day should."""
