"""Importers: rows of companies from files and packages into the domain tables."""

from oppspot_runner.imports.companies_house import CompaniesHouse
from oppspot_runner.imports.csv_file import CsvFile
from oppspot_runner.imports.listed import Listed
from oppspot_runner.imports.mapping import parse_assignments
from oppspot_runner.imports.pipeline import ImportProgress, run_import
from oppspot_runner.imports.tally import Example, ImportReport

__all__ = [
    "CompaniesHouse",
    "CsvFile",
    "Example",
    "ImportProgress",
    "ImportReport",
    "Listed",
    "parse_assignments",
    "run_import",
]
