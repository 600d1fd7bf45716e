"""Drafts: what may be said to a company, by which fact, and the check of it. No I/O."""
