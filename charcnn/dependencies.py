"""Which of the packages that charcnn needs are not installed.

An environment that only reads has no torch. Whatever needs it raises a `MissingDependencyError`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from charcnn.errors import MissingDependencyError

_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python"}
"""Module → the package that provides it, where the two have different names."""
_SUBSTITUTES = {"opencv-python": "opencv-python-headless"}
"""Package → another one that provides the same module."""


def require(needed_for: str, *modules: str) -> None:
    """Check that modules of other packages can be found, without importing them.

    Args:
        needed_for: What needs the modules, as the subject of a sentence.
        modules: Names of the modules.

    Raises:
        MissingDependencyError: one of them is not installed.
    """
    for module in modules:
        if find_spec(module) is None:
            raise _missing(module, needed_for)


@contextmanager
def required_for(needed_for: str) -> Iterator[None]:
    """Raise a `MissingDependencyError` if a package that is imported within a block is not installed.

    Args:
        needed_for: What needs the package, as the subject of a sentence.
    """
    try:
        yield
    except ModuleNotFoundError as fault:
        raise explain_import(fault, needed_for) from None


def explain_import(fault: ImportError, needed_for: str) -> ImportError:
    """Return a `MissingDependencyError` for a failed import of a dependency, and any other fault unchanged.

    Args:
        fault: The exception that the import raised.
        needed_for: What needs the package, as the subject of a sentence.
    """
    name = fault.name or ""
    is_ours = isinstance(fault, ModuleNotFoundError) and _package(name) in map(_name, _requirements())
    return _missing(name, needed_for) if is_ours else fault


def _missing(module: str, needed_for: str) -> MissingDependencyError:
    package, requirements = _package(module), _requirements()
    own = next((line for line in requirements if _name(line) == package), package)
    others = (line for line in requirements if line != own and not _is_installed(_name(line)))
    return MissingDependencyError(package, needed_for, (own, *others))


def _package(module: str) -> str:
    return _PACKAGES.get(module, module)


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found else ""


def _requirements() -> list[str]:
    """Return the requirements in charcnn's metadata, without extras; none if charcnn is not installed."""
    from importlib.metadata import PackageNotFoundError, requires  # slow, and only needed if something is missing

    try:
        lines = requires("charcnn") or []
    except PackageNotFoundError:
        return []
    return [line for line in lines if ";" not in line]


def _is_installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    for name in filter(None, (package, _SUBSTITUTES.get(package))):
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return True
    return False
