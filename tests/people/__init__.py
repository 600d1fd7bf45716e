"""Tests of people: words, rows, paths and forgetting."""
