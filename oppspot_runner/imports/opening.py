"""Opens what an import reads: a file, the CSV inside a ZIP, or standard input.

Says how far reading has come; does not know what the text means.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from oppspot_runner.base.errors import InvalidInputError

STANDARD_INPUT = "-"
Raw: TypeAlias = io.BufferedReader | zipfile.ZipExtFile

ZIP_MAGIC = b"PK\x03\x04"
NOT_TEXT = (b"\x89PNG", b"%PDF", b"\x1f\x8b", b"PAR1", b"\xd0\xcf\x11\xe0", b"SQLite format 3\x00")


@dataclass
class OpenedText:
    """A text being read. `total_bytes` is None when it cannot be known."""

    name: str
    text: io.TextIOWrapper
    total_bytes: int | None
    _raw: Raw

    def done_bytes(self) -> int:
        """How much has been read."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):  # standard input may not know
            return 0


@contextmanager
def open_text(path: str, *, encoding: str | None = None) -> Iterator[OpenedText]:
    """Opens `path`, or standard input for "-". Bytes that are no valid text become U+FFFD.

    Without `encoding`: UTF-8, or UTF-16 where the file begins with its mark. Raises
    InvalidInputError when there is no such file or it is no text.
    """
    with ExitStack() as stack:
        name, raw, total = _open(path, stack)
        head = _head(raw)
        header = head.lstrip(b"\r\n").partition(b"\n")[0]  # a NUL further down is repaired
        if head.startswith(NOT_TEXT) or (b"\x00" in header and not _utf16(head)):
            raise InvalidInputError(f"{name} is not a CSV file: it holds binary data")
        chosen = encoding or ("utf-16" if _utf16(head) else "utf-8-sig")
        try:
            text = io.TextIOWrapper(raw, encoding=chosen, errors="replace", newline="")
        except LookupError:
            raise InvalidInputError(f"unknown encoding {chosen!r}") from None
        stack.callback(text.detach)
        yield OpenedText(name, text, total, raw)


def _open(path: str, stack: ExitStack) -> tuple[str, Raw, int | None]:
    if path == STANDARD_INPUT:
        return "standard input", stack.enter_context(open(0, "rb", closefd=False)), None
    file = Path(path)
    try:
        raw = stack.enter_context(file.open("rb"))
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error.strerror}") from None
    if not _head(raw).startswith(ZIP_MAGIC):
        return file.name, raw, file.stat().st_size
    return _open_member(file, stack)


def _open_member(file: Path, stack: ExitStack) -> tuple[str, Raw, int | None]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
        members = [one for one in archive.infolist() if one.filename.lower().endswith(".csv")]
        if len(members) != 1:
            names = ", ".join(one.filename for one in archive.infolist()[:5])
            raise InvalidInputError(
                f"{file.name} holds {len(members)} CSV files, wanted one; it has: {names}",
                hint="Unpack it and import the files one by one.",
            )
        member = stack.enter_context(archive.open(members[0]))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidInputError(f"cannot read {file.name}: {error}") from None
    assert isinstance(member, zipfile.ZipExtFile)
    return members[0].filename, member, members[0].file_size


def _head(raw: Raw) -> bytes:
    return raw.peek(1024)[:1024]


def _utf16(head: bytes) -> bool:
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
