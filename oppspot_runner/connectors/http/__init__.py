"""The one way out by HTTP: what is dialled is checked, what comes back is bounded."""
