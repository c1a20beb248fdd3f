"""Run the `charcnn` command as `python -m charcnn`."""

import os
import sys

from charcnn.errors import MissingDependencyError


def main() -> None:
    """Run the command line. If a package that it needs to start is missing, name it."""
    try:
        from charcnn.cli.app import main as run

        run()
    except ModuleNotFoundError as fault:  # while a command runs, `charcnn.cli.errors` explains them
        from charcnn.cli.install import install_line
        from charcnn.dependencies import explain_import

        explained = explain_import(fault, "charcnn")
        if not isinstance(explained, MissingDependencyError) or os.environ.get("CHARCNN_DEBUG") == "1":
            raise
        sys.exit(f"Error: {explained.message}\n{install_line(explained.missing)}")


if __name__ == "__main__":
    main()
