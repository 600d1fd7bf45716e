"""How Sphinx makes the site from the plain Markdown of this folder."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from posixpath import dirname, join, normpath

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LISTED = re.compile(r"\]\(([\w./-]+)\.md\)")

project = PROJECT["name"]
release = PROJECT["version"]
extensions = ["myst_parser"]
myst_heading_anchors = 6  # as plain viewers of Markdown make them
html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = html_show_sphinx = html_copy_source = html_use_index = False
highlight_language = "text"


def navigation(page: str, text: str) -> list[str]:
    """The pages that stand below an index: those of its folder, and further indexes, as it links them."""
    linked = (normpath(join(dirname(page), one)) for one in LISTED.findall(text))
    below = [
        one for one in linked if dirname(one) == dirname(page) or one.rpartition("/")[2] == "index"
    ]
    return [one for one in dict.fromkeys(below) if one != page and one.startswith(dirname(page))]


def add_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    """Gives each index its table of contents, so that the Markdown itself needs no words of Sphinx."""
    if page.rpartition("/")[2] == "index":
        listed = "\n".join(f"/{one}" for one in navigation(page, source[0]))
        source[0] += f"\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", add_navigation)
