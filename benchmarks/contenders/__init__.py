"""Ours, the peers, and the floor: what runs the same work on the same server."""
