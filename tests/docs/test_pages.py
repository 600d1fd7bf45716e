"""Pages are found, links lead somewhere, what the product has is named, versions agree."""

from __future__ import annotations

import re
import tomllib

import psycopg

import oppspot_runner
from oppspot_runner.base.settings import Settings, variable_name
from oppspot_runner.cli.main import COMMANDS
from tests.docs.pages import DOCS, PAGES, ROOT, all_text, blocks_of, text_of

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The anchors that the headings of a page make."""
    plain = [re.sub(r"[^\w\- ]", "", title).strip() for title in HEADING.findall(text_of(page))]
    return {title.lower().replace(" ", "-") for title in plain}


def test_every_link_leads_to_a_page_and_a_heading_that_exist() -> None:
    missing = []
    for page in PAGES:
        for target in LINK.findall(text_of(page)):
            name, _, anchor = target.partition("#")
            path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
            if not path.exists():
                missing.append(f"{page}: {target}")
            elif anchor and anchor not in anchors(path.relative_to(ROOT).as_posix()):
                missing.append(f"{page}: {target} has no such heading")
    assert not missing, "\n".join(missing)


def test_every_page_is_reached_from_the_index() -> None:
    seen, waiting = set(), {DOCS / "index.md"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        links = LINK.findall(path.read_text(encoding="utf-8"))
        near = {(path.parent / link.partition("#")[0]).resolve() for link in links}
        waiting |= {one for one in near if one.suffix == ".md"} - seen
    lost = set(DOCS.rglob("*.md")) - seen
    assert not lost, "\n".join(map(str, lost))
    assert len(text_of("docs/index.md").splitlines()) <= 30


def test_every_block_has_a_language_and_an_end() -> None:
    for page in PAGES:
        found = blocks_of(page)
        assert text_of(page).count("```") == 2 * len(found), page
        nameless = [block.line for block in found if not block.language]
        assert not nameless, f"{page}: {nameless}"


def test_every_setting_command_and_public_name_is_named() -> None:
    text = all_text()
    settings = [variable_name(field) for field in Settings.model_fields]
    commands = [f"oppspot-runner {name}" for name in COMMANDS]
    quoted = set(
        re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`|^[^`]*\bimport\b.*$", text, re.M)))
    )
    code = set(re.findall(r"\w+", " ".join(b.body for p in PAGES for b in blocks_of(p, "python"))))
    missing = [name for name in [*settings, *commands] if name not in text]
    missing += [name for name in oppspot_runner.__all__ if name not in quoted | code]
    assert not missing, "\n".join(missing)


def sections(page: str) -> dict[str, set[str]]:
    """The words in quotes under each heading of a page."""
    parts = re.split(r"^## (.+)$", text_of(page), flags=re.MULTILINE)
    quotes = [set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", one)))) for one in parts[2::2]]
    return dict(zip(parts[1::2], quotes, strict=True))


def test_every_column_view_and_function_is_in_the_reference(dsn: str) -> None:
    said = sections("docs/reference/sql.md")
    with psycopg.connect(dsn) as connection:
        columns = connection.execute(
            "SELECT c.relname, c.relkind, a.attname FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')"
        ).fetchall()
        functions = connection.execute(
            "SELECT p.proname, array_remove(p.proargnames, NULL) FROM pg_proc p"
            " WHERE p.pronamespace = 'public'::regnamespace"
        ).fetchall()
    words = {
        table: said.get(table, said["Views"] if kind == "v" else set())
        for table, kind, _ in columns
    }
    missing = [f"{table}.{column}" for table, _, column in columns if column not in words[table]]
    missing += [name for name, _ in functions if name not in said["Functions"]]
    shown = [
        (name, names or [])
        for name, names in functions
        if not (names and names[0].startswith("p_"))
    ]
    inside = {"task_lane", "stream_graph", "run_nodes_below"}
    missing += [
        f"{name}({one})"
        for name, names in shown
        if name not in inside
        for one in names
        if one not in said["Functions"]
    ]
    assert not missing, "\n".join(missing)
    unknown = [name for name in said if name not in words and name not in {"Views", "Functions"}]
    assert not unknown, f"no such table: {unknown}"


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    versions = re.findall(r"^## \[([^\]]+)\] - (\S+)$", text_of("docs/changelog.md"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert versions[0][0] == project["version"]
    assert all(re.fullmatch(r"Unreleased|\d{4}-\d\d-\d\d", when) for _, when in versions)
    assert set(re.findall(r"^### (.+)$", text_of("docs/changelog.md"), re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }
