"""Draw terminal.svg: the three commands of the README and what they write. `python docs/terminal.py`.

The commands run as they are, in an empty folder. Of the epochs the first and the last ones are shown.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_suffix(".svg")
COMMANDS = ("charcnn augment ttest tttest", "charcnn train --opt adam", "charcnn predict --model latest")
_EPOCH = re.compile(r" +\d+/\d+ ")
_SHOWN_EPOCHS = 3
_SHOWN_IMAGES = 6
_STYLES = {"$": "bold cyan", "Next:": "dim"}
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich's template loads a font from the network."""


def transcript() -> list[str]:
    """Run the commands in an empty folder; return the lines that a terminal shows."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHARCNN_")}
        for command in COMMANDS:
            words = [sys.executable, "-m", *command.split()]
            done = subprocess.run(  # noqa: S603 only this project's own commands
                words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
            )
            lines += [f"$ {command}", *_shortened(done.stdout.decode().splitlines()), ""]
    return lines


def _shortened(lines: list[str]) -> list[str]:
    epochs = [line for line in lines if _EPOCH.match(line)]
    hidden = set(epochs[_SHOWN_EPOCHS:-_SHOWN_EPOCHS])
    images = [line for line in lines if line.startswith("data/ttest/")]
    hidden |= set(images[_SHOWN_IMAGES:])
    shown = []
    for line in lines:
        if line not in hidden:
            shown.append(line)
        elif shown[-1] != "    …":
            shown.append("    …")
    return shown


def draw(lines: list[str]) -> str:
    """Return the lines as a picture of a terminal, SVG that loads nothing."""
    console = Console(record=True, width=100, file=io.StringIO())
    for line in lines:
        style = next((style for start, style in _STYLES.items() if line.startswith(start)), "")
        console.print(Text(line, style, overflow="fold"))
    return _FONT_FACES.sub("", console.export_svg(title="charcnn", unique_id="charcnn"))


if __name__ == "__main__":
    PICTURE.write_text(draw(transcript()), encoding="utf-8")
