"""The numbered files of sql/ are those that the program applies."""

from __future__ import annotations

from oppspot_runner.db.files import migrations
from tests.house.conftest import ROOT


def test_the_folder_and_the_program_know_the_same_migrations() -> None:
    on_disk = sorted(path.name for path in (ROOT / "sql").glob("*.sql"))
    assert [f"{m.number:04}_{m.name}.sql" for m in migrations()] == on_disk
