"""All SQL lies in sql/, is used, says why it is as it is, and asks one clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.conftest import Module

# Written in capitals, a first word is SQL (but DELETE alone is a method of HTTP); in small letters
# only with what follows it in SQL.
SQL_IN_CAPITALS = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE(?=\s)|MERGE|WITH|CREATE|ALTER|DROP|TRUNCATE|GRANT|COPY|LISTEN"
    r"|UNLISTEN|NOTIFY|SET|RESET|SHOW|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|LOCK|VALUES|CALL|DO|VACUUM"
    r"|ANALYZE|EXPLAIN)\b"
)
SQL_IN_ANY_CASE = re.compile(
    r"\s*(select\b.+\bfrom\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b|with\s+\w+\s+as\b"
    r"|(create|alter|drop)\s+(table|index|schema|database|function|view|role)\b|listen\s+\w+$)",
    re.IGNORECASE | re.DOTALL,
)
OTHER_CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|localtimestamp|current_date|current_time|localtime)\b"
    r"|'now'",
    re.IGNORECASE,
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|^COMMENT ON .*?;$", re.DOTALL | re.MULTILINE)
CLOCK = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION oppspot_now\(\).*?\$\$.*?\$\$", re.DOTALL)


def test_every_statement_is_used_and_every_used_one_exists(
    modules: list[Module], sql_files: dict[str, str]
) -> None:
    asked = {name for module in modules for name in _statements(module)}
    there = {
        path.removeprefix("queries/").removesuffix(".sql")
        for path in sql_files
        if path.startswith("queries/")
    }
    assert sorted(there - asked) == []
    assert sorted(asked - there) == []


@pytest.mark.slow
def test_no_string_in_python_begins_with_sql(modules: list[Module]) -> None:
    guilty = [
        f"{module.path}:{line} {text[:50]!r}"
        for module in modules
        for line, text in _strings(module)
        if SQL_IN_CAPITALS.match(text) or SQL_IN_ANY_CASE.match(text)
    ]
    assert not guilty, "\n".join(map(str, guilty))


def test_every_statement_says_first_why_it_is_as_it_is(sql_files: dict[str, str]) -> None:
    silent = [
        path
        for path, text in sql_files.items()
        if not re.match(r"-- \S+ \S+ \S+", text)  # a sentence, not a title
    ]
    assert not silent, "\n".join(map(str, silent))


def test_the_clock_is_asked_by_its_one_name(sql_files: dict[str, str]) -> None:
    guilty = [
        f"{path}: {match.group(0)}"
        for path, text in sql_files.items()
        for match in OTHER_CLOCKS.finditer(CLOCK.sub("", COMMENT.sub("", text)))
    ]
    assert not guilty, "\n".join(map(str, guilty))


def test_the_clock_is_defined_once_and_once_more_for_tests(sql_files: dict[str, str]) -> None:
    defined = [path for path, text in sql_files.items() if CLOCK.search(text)]
    assert defined == ["0001_seed_tables.sql", "queries/testing/install_clock.sql"]


def test_migrations_are_numbered_without_gaps(sql_files: dict[str, str]) -> None:
    names = sorted(path for path in sql_files if "/" not in path)
    numbers = [name.split("_")[0] for name in names]
    assert numbers == [f"{number:04}" for number in range(1, len(names) + 1)]


def test_no_extension_is_asked_for(sql_files: dict[str, str]) -> None:
    guilty = [path for path, text in sql_files.items() if "CREATE EXTENSION" in text.upper()]
    assert not guilty, "\n".join(map(str, guilty))


def test_the_rules_of_this_file_see_what_they_forbid() -> None:
    assert SQL_IN_CAPITALS.match("\n  SELECT 1")
    assert SQL_IN_CAPITALS.match("DELETE FROM agent_tasks")
    assert not SQL_IN_CAPITALS.match("DELETE")
    assert SQL_IN_ANY_CASE.match("insert into agent_tasks")
    assert not SQL_IN_CAPITALS.match("Update the package.")
    assert not SQL_IN_ANY_CASE.match("create a database first")
    assert OTHER_CLOCKS.search("a < NOW()")
    assert not OTHER_CLOCKS.search("a < oppspot_now()")


def _statements(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "statement"
        ):
            argument = node.args[0]
            assert isinstance(argument, ast.Constant), f"{module.path}:{node.lineno}: not a literal"
            yield str(argument.value)


def _strings(module: Module) -> Iterator[tuple[int, str]]:
    documentation = {
        id(body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (body := node.body)
        and isinstance(body[0], ast.Expr)
    }
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
        ):
            yield node.lineno, node.value
