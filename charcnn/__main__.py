"""The command `charcnn`, also as `python -m charcnn`. Ctrl-C is answered while the program is still loaded, too."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from charcnn.cli.app import main as run  # takes a tenth of a second, in which a user may press Ctrl-C

        run()
    except KeyboardInterrupt:  # while a command runs, charcnn.cli.errors answers
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
