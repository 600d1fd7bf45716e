"""Importers: rows of companies from files and packages into the domain tables."""
