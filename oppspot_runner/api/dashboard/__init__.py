"""The dashboard: pages made on the server, a style sheet and one small script of our own.

Nothing comes from elsewhere, and nothing has to be built.
"""
