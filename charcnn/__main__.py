"""Run the `charcnn` command as `python -m charcnn`."""

import os
import sys


def main() -> None:
    """Run the command line. If a package that it needs to start is missing, name it. Handle Ctrl-C while loading."""
    try:
        from charcnn.cli.app import main as run  # takes 0.1 s, in which the user may press Ctrl-C

        run()
    except KeyboardInterrupt:  # while a command runs, `charcnn.cli.errors` handles it
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
    except ModuleNotFoundError as fault:  # while a command runs, `charcnn.cli.errors` explains them
        from charcnn.cli.install import install_line
        from charcnn.dependencies import explain_import
        from charcnn.errors import MissingDependencyError

        explained = explain_import(fault, "charcnn")
        if not isinstance(explained, MissingDependencyError) or os.environ.get("CHARCNN_DEBUG") == "1":
            raise
        sys.exit(f"Error: {explained.message}\n{install_line(explained.missing)}")


if __name__ == "__main__":
    main()
