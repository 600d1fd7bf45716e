"""Break everything on purpose and count afterwards: `python -m tests.chaos --quick`."""
