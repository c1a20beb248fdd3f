"""The pages of docs/reference are those that the code gives."""

import re
import runpy
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def test_the_page_of_settings_is_up_to_date() -> None:
    made = runpy.run_path(str(REFERENCE / "settings.py"))["page"]()
    assert (REFERENCE / "settings.md").read_text(encoding="utf-8") == made, "run: make reference"


COMMANDS = dict(runpy.run_path(str(REFERENCE / "commands.py"))["commands"]())
SECTIONS = dict(
    re.findall(r"^#+ `(charcnn[^`]*)`\n(.*?)(?=^#+ `|\Z)", (REFERENCE / "commands.md").read_text("utf-8"), re.M | re.S)
)


def test_the_page_of_commands_has_a_section_for_each() -> None:
    assert list(SECTIONS) == [name for name in COMMANDS if name != "charcnn"], "run: make reference"


@pytest.mark.parametrize("name", SECTIONS)
def test_the_page_of_commands_is_up_to_date(name: str) -> None:
    """Compare what it says, not its form: that is Typer's, and differs with its version."""
    command, section = COMMANDS[name], " ".join(SECTIONS[name].split())
    shown = [parameter for parameter in command.params if not parameter.hidden and "--help" not in parameter.opts]
    texts = [command.help or "", *(parameter.help or "" for parameter in shown)]
    assert [text for text in texts if " ".join(text.split()) not in section] == [], "run: make reference"
    options = {flag for parameter in shown for flag in (*parameter.opts, *parameter.secondary_opts) if flag[0] == "-"}
    listed = {
        flag
        for line in SECTIONS[name].splitlines()
        if (entry := re.match(r"\* `(-[^`]*)`", line))
        for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", entry[1].partition(" <")[0])
    }
    assert listed == options, "run: make reference"
