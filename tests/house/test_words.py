"""The project speaks of itself alone, and what it points to is there."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tests.house.conftest import ROOT

# Taken apart, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a folder of somebody's machine": re.compile(
        r"(?<![\w.~-])/(?:wor" + r"k|roo" + r"t|User" + r"s|opt/(?:py" + r"pi|whe" + r"els))/"
    ),
    "a number of a tracker": re.compile(r"\b(?:issue|bug|ticket|pull request) ?" + r"#\d", re.I),
    "a package registry": re.compile(
        r"(?:pypi|npmjs|python" + r"hosted|crates|golang|ghcr)\.(?:org|io|com)\b", re.I
    ),
}
LOCKS = {"uv.lock"}
DOCUMENT = re.compile(r"[\w./-]*\w\.md\b")
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def test_no_tracked_file_holds_words_of_elsewhere(tracked: dict[str, str]) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1} {what}: {match.group(0)}"
        for path, text in tracked.items()
        if path not in LOCKS
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    assert not found, "\n".join(map(str, found))


def test_every_document_that_is_named_exists(tracked: dict[str, str]) -> None:
    known = {PurePosixPath(path).name for path in tracked}
    missing = [
        f"{path}: {name}"
        for path, text in tracked.items()
        if path not in LOCKS
        for name in DOCUMENT.findall(text)
        if PurePosixPath(name).name not in known
    ]
    assert not missing, "\n".join(map(str, missing))


def test_every_link_between_documents_leads_somewhere(tracked: dict[str, str]) -> None:
    missing = [
        f"{path}: {target}"
        for path, text in tracked.items()
        if path.endswith(".md")
        for target in LINK.findall(text)
        if not (ROOT / path).parent.joinpath(target).exists()
    ]
    assert not missing, "\n".join(map(str, missing))


def test_the_rules_of_this_file_see_what_they_forbid() -> None:
    folder, number, registry = FORBIDDEN.values()
    assert folder.search("see " + "/roo" + "t/x")
    assert not folder.search("make sure of work/life")
    assert number.search("fixes issue " + "#12")
    assert registry.search("https://py" + "pi.org/simple")
