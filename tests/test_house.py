"""The limits of the house: files and functions that are read in one sitting, a library that does not speak in flags."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "charcnn").rglob("*.py"))
DECLARES_FLAGS = Path("charcnn/specs/train_config.py")
LIBRARY = [path for path in FILES if "cli" not in path.parts and path != DECLARES_FLAGS]
MAX_LINES, MAX_FUNCTION_LINES = 350, 50
COMMAND = re.compile(
    r"\bcharcnn (synth|augment|train|evaluate|predict|export|models|networks|data)\b|(^|[\s(])--[a-z]{2,}"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Lines of a function without its signature and docstring."""
    first, *_ = body = function.body
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        body = body[1:]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def messages(tree: ast.AST) -> Iterator[str]:
    """The texts of a module that are no docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_LINES
    long = {function.name: body_lines(function) for function in functions(ast.parse(source))}
    assert {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", LIBRARY, ids=str)
def test_the_library_does_not_speak_in_command_lines(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert [text for text in messages(tree) if COMMAND.search(text)] == []
