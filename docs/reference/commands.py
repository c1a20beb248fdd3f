"""Write commands.md: the command line, from the app itself. `python docs/reference/commands.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from typer.cli import get_docs_for_click

from charcnn.cli.app import make_app

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Commands

`charcnn COMMAND --help` shows the same in a terminal. The settings of `train` are listed with their Python names in
[Settings of a training](settings.md); what commands write, exit codes and environment variables in
[Output](output.md). Written by `make reference` from `charcnn/cli`.

"""


def page() -> str:
    """Return the page, as Markdown: Typer's own, without what it shows of each command again and again."""
    app = _shown(typer.main.get_command(make_app()))
    text = get_docs_for_click(obj=app, ctx=typer.Context(app, info_name="charcnn"), name="charcnn")
    lines = [line.rstrip() for line in text.splitlines()[2:] if not line.startswith("* `--help`")]
    text = "\n".join(lines).replace("**Options**:\n\n\n", "")
    for _, command in commands():
        for name, inner in getattr(command, "commands", {}).items():
            summary = (inner.help or "").partition("\n\n")[0].replace("\n", " ")
            text = text.replace(f"* `{name}`: {inner.get_short_help_str()}", f"* `{name}`: {summary}")
    return _HEAD + text.strip() + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its name as it is typed, `charcnn` itself first."""
    waiting = [("charcnn", _shown(typer.main.get_command(make_app())))]
    while waiting:
        name, command = waiting.pop(0)
        yield name, command
        waiting[:0] = [(f"{name} {word}", inner) for word, inner in getattr(command, "commands", {}).items()]


def _shown(command: Any) -> Any:
    """Return a command without the hidden ones in it."""
    for name, inner in list(getattr(command, "commands", {}).items()):
        if inner.hidden:
            del command.commands[name]
        _shown(inner)
    return command


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
