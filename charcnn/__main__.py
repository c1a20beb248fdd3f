"""Run the `charcnn` command as `python -m charcnn`."""

from charcnn.cli.app import main

main()
