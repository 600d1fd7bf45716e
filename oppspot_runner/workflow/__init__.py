"""Chains: which agents run after which, and the rows that remember it."""
