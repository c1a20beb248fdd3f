"""The pages that people read: their blocks of code, and the commands of charcnn in them."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import charcnn

ROOT = Path(charcnn.__file__).parents[1]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
DOCS = tuple(sorted((ROOT / "docs").rglob("*.md")))
PAGES = (*READMES, *DOCS, *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "examples/README.md")))

_BLOCK = re.compile(r"^(?P<space> *)```(?P<language>[\w-]+)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(charcnn [^`]*)`")
_LOOP = re.compile(r"for (?P<name>\w+) in (?P<first>\S+)[^;]*; do (?P<body>.*); done")
_SHELLS = ("bash", "sh", "powershell")
_PLACEHOLDERS = {"…", "COMMAND"}
"""What stands for something in a sentence, and is never typed."""


class Block(NamedTuple):
    """A block of code in a page."""

    page: Path
    number: int
    language: str
    text: str


def name_of(page: Path) -> str:
    """Return a page's path, as it is shown."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the blocks of a page in some languages."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [
        Block(page, number, block["language"], textwrap.dedent(block["text"]))
        for number, block in enumerate(found)
        if block["language"] in languages
    ]


def python_blocks(page: Path) -> list[Block]:
    """Return the blocks that use charcnn from Python, and are not scripts of examples/."""
    python = blocks(page, "python")
    return [block for block in python if "import charcnn" in block.text and not block.text.startswith("# examples/")]


def commands(page: Path) -> list[str]:
    """Return the commands of charcnn in the blocks of a page, each as it is typed."""
    lines = [line for block in blocks(page, *_SHELLS) for line in block.text.splitlines()]
    return [command for line in lines for command in _commands_in(line)]


def mentions(page: Path) -> list[str]:
    """Return the commands of charcnn in the sentences of a page; they may lack arguments."""
    sentences = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [command for text in _INLINE.findall(sentences) for command in _commands_in(text.replace("\n", " "))]


def words_of(command: str) -> list[str]:
    """Return what charcnn gets of a command, without its own name and placeholders."""
    return [word for word in shlex.split(command)[1:] if word not in _PLACEHOLDERS]


def _commands_in(line: str) -> Iterator[str]:
    loop = _LOOP.search(line)
    if loop:
        line = loop["body"].replace(f"${loop['name']}", loop["first"])
    line = line.replace("\\", "/")  # paths of Windows
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    lexer.commenters, lexer.whitespace_split = "#", True
    command: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";|&<>"):
            if command[:1] == ["charcnn"]:
                yield shlex.join(command)
            command = []
        else:
            command.append(word)
