"""Streams of events over HTTP: who has one open, what goes through it, and when it ends."""
