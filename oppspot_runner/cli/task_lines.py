"""Reads files of JSON lines in portions: memory does not grow with the file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.queue.producer import MOST_CHARACTERS, MOST_ROWS

STANDARD_INPUT = "-"
MOST_LINE_BYTES = 8 * 1024 * 1024  # the greatest payload with each character escaped, and more
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """A line that is not empty: the JSON object on it, or why there is none."""

    number: int
    content: dict[str, Any] | None
    fault: str = ""


@dataclass
class Portion:
    """Neighbouring lines, and how many bytes were read up to their end."""

    lines: list[Line] = field(default_factory=list)
    size_bytes: int = 0
    done_bytes: int = 0


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The file at `path`, or standard input for "-". Raises InvalidInputError."""
    if path == STANDARD_INPUT:
        # Not sys.stdin, and never closed: either would wait for a thread that reads from it.
        yield BufferedReader(FileIO(0, closefd=False))
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise InvalidInputError(f"cannot read {path}: {error.strerror}") from None
        yield file


def read_portions(file: BinaryIO) -> Iterator[Portion]:
    """The lines of `file`, as many at a time as one statement can take. Blocks while it reads."""
    portion = Portion()
    for number, text in enumerate(_texts(file), start=1):
        portion.size_bytes += len(text)
        portion.done_bytes += len(text)
        if text.strip():
            portion.lines.append(_line(number, text))
        if len(portion.lines) == MOST_ROWS or portion.size_bytes > MOST_CHARACTERS:
            yield portion
            portion = Portion(done_bytes=portion.done_bytes)
    yield portion


def size_of(file: BinaryIO) -> int | None:
    """How many bytes `file` holds; None when it is a pipe or a terminal."""
    try:
        found = os.fstat(file.fileno())
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _texts(file: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long the beginning, so that it is seen to be too long."""
    while text := file.readline(MOST_LINE_BYTES + 1):
        yield text
        while len(text) > MOST_LINE_BYTES and not text.endswith(b"\n"):
            text = file.readline(MOST_LINE_BYTES + 1)


def _line(number: int, text: bytes) -> Line:
    if len(text) > MOST_LINE_BYTES:
        return Line(number, None, f"it is longer than {MOST_LINE_BYTES:,} bytes")
    if number == 1:
        text = text.removeprefix(BYTE_ORDER_MARK)
    try:
        content = json.loads(text.rstrip().decode())
    except UnicodeDecodeError:
        return Line(number, None, "it is not UTF-8")
    except json.JSONDecodeError as error:
        return Line(number, None, f"it is not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return Line(number, None, f"it cannot be read: {error}")
    if not isinstance(content, dict):
        return Line(number, None, "it is not a JSON object")
    return Line(number, content)
