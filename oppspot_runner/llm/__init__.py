"""Language models behind a small port of our own: words, names, prices, providers.

It knows no task, no tool that runs and no database: one call in, one reply or one error out, no
waiting in between. `models.py` is where to start.
"""
