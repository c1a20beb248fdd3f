"""`python -m charcnn` is the command `charcnn`."""

from charcnn.cli.app import main

main()
