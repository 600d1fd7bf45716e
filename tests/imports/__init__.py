"""Importers: files, packages and the register into companies and facts."""
