"""The house keeps its measure: short files, short functions, and a library that does not speak in command lines."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import charcnn
from charcnn.cli.app import make_app

ROOT = Path(charcnn.__file__).parent
MODULES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}

LONGEST_FILE = 350
LONGEST_FUNCTION = 50
"""Lines, without signature and docstring."""

COMMANDS = ("synth", "augment", "train", "evaluate", "predict", "export", "models", "networks", "data")
COMMAND_LINE = re.compile(rf"\bcharcnn (?:{'|'.join(COMMANDS)})\b|(?<![\w-])--[a-z]")
SPELLS_FLAGS = "specs/train_config.py"
"""A setting is declared once, together with the flags that are not made of its name."""


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and length of each function of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def command_lines(tree: ast.Module) -> list[str]:
    """The strings of a module, but its docstrings, that name a command or a flag."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return [node.value for node in strings if isinstance(node.value, str) and COMMAND_LINE.search(node.value)]


def test_no_file_is_long() -> None:
    lengths = {name: (ROOT / name).read_text("utf-8").count("\n") for name in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_long() -> None:
    found = [(module, *function) for module, tree in MODULES.items() for function in functions(tree)]
    assert [long for long in found if long[2] > LONGEST_FUNCTION] == []


def test_the_library_names_no_command_and_no_flag() -> None:
    library = {name: tree for name, tree in MODULES.items() if not name.startswith("cli/") and name != SPELLS_FLAGS}
    assert {name: found for name, tree in library.items() if (found := command_lines(tree))} == {}


def test_the_library_uses_no_standard_stream() -> None:
    """Only the command line reads and writes them."""
    streams = re.compile(r"\bsys\.(?:stdin|stdout|stderr)\b")
    library = (ROOT / name for name in MODULES if not name.startswith(("cli/", "__main__")))
    assert [path.name for path in library if streams.search(path.read_text("utf-8"))] == []


def test_every_command_is_looked_for() -> None:
    app = make_app()
    names = [command.name for command in app.registered_commands] + [group.name for group in app.registered_groups]
    assert set(names) == set(COMMANDS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""charcnn train --lr"""', 0),
        ("raise E('Type charcnn train')", 1),
        ("hint = f'Add --force, or {x}'", 1),
        ("text = 'this charcnn reads up to 3'", 0),
        ("text = 'a -- b'", 0),
    ],
)
def test_what_counts_as_a_command_line(source: str, found: int) -> None:
    assert len(command_lines(ast.parse(source))) == found


def test_how_long_a_function_is() -> None:
    source = 'def f(\n    a,\n):\n    """It."""\n\n    def g(): return 1\n    return (\n        a\n    )\n'
    assert list(functions(ast.parse(source))) == [("f", 4), ("g", 1)]
