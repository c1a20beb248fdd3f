"""What to type to install what is missing. Imports nothing, since anything may be missing."""

from collections.abc import Iterable


def install_line(requirements: Iterable[str]) -> str:
    """Return the command that installs packages, quoted for any shell: `pip install "torch>=2.9"`."""
    return " ".join(["pip install", *(f'"{requirement}"' for requirement in requirements)])
