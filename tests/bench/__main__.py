"""`make bench`: compare charcnn with baselines. Run nothing else at the same time.

python -m tests.bench [commands] [training] [steady] [limits] [accuracy] [handwriting]
"""

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import accuracy, commands, handwriting, limits, steady, training
from tests.bench.world import World

PARTS = {
    "commands": commands,
    "training": training,
    "steady": steady,
    "limits": limits,
    "accuracy": accuracy,
    "handwriting": handwriting,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them, in a temporary folder."""
    console = Console(width=150) if not sys.stdout.isatty() else Console()
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch))
        for name in names or PARTS:
            table = Table("measure", "this", "yardstick", "ratio", "wanted", "spread", title=name)
            for row in PARTS[name].rows(world):
                table.add_row(*row)
            console.print(table)


main(sys.argv[1:])
