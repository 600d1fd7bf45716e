"""How fast it is, and beside whom: `python -m benchmarks` prints a table and writes JSON.

Not part of the wheel. Each measure is a module of `measures`, each peer one of `peers`.
"""
