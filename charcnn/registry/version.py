"""A version: a folder with a card, and with files whose sha256 the card records."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charcnn.errors import IntegrityError, ModelNotFoundError
from charcnn.registry.references import check_name
from charcnn.specs.base import check_schema
from charcnn.specs.version_kind import CARD_SCHEMA
from charcnn.storage.files import sha256_of

if TYPE_CHECKING:
    from charcnn.specs.card import ModelCard

CARD_FILE = "card.json"
WEIGHTS_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"
HISTORY_FILE = "history.csv"


@dataclass(frozen=True)
class Version:
    """An open version.

    Attributes:
        folder: Its folder.
        text: Its card, as JSON. It was checked when the version was opened.

    Examples:
        >>> import charcnn
        >>> version = charcnn.Registry().open("abc")
        >>> version.card.labels, version.card.network.name
        (('a', 'b', 'c'), 'compact')
        >>> version.file("model.onnx").name
        'model.onnx'
    """

    folder: Path
    text: bytes

    @cached_property
    def card(self) -> "ModelCard":
        """The card, parsed on first use because prediction needs only a few fields of it."""
        return _parse_card(self.text, self.folder / CARD_FILE)

    @cached_property
    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.text)
        return fields

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self._fields['name']}@{self._fields['version']}"

    def file(self, name: str) -> Path:
        """Return the path of a file of the version, after comparing its sha256 with the card.

        Raises:
            IntegrityError: the file is missing, or was modified.
        """
        path, expected = self.folder / name, self._fields["files"].get(name)
        if expected is None or path.is_symlink() or not path.is_file():
            raise IntegrityError(f"{self.reference} has no file {name}.")
        if sha256_of(path) != expected:
            raise IntegrityError(
                f"{path}: sha256 mismatch: the file was modified after it was saved.",
                "Do not use it. Train again, or restore the file from a backup.",
            )
        return path


def open_version(folder: Path, card_sha256: str | None = None) -> Version:
    """Open a version's folder.

    Args:
        folder: The version's folder.
        card_sha256: Expected sha256 of the card, if known. A card that matches is not checked further.

    Raises:
        ModelNotFoundError: the folder contains no card.
        CardError: the card cannot be parsed.
        ModelError: the name in the card is invalid.
        IntegrityError: the card was modified.
    """
    path = folder / CARD_FILE
    if path.is_symlink() or not path.is_file():
        raise ModelNotFoundError(f"{folder} is not a model version: it contains no {CARD_FILE}.", name=str(folder))
    text = path.read_bytes()
    check_schema(text, str(path), CARD_SCHEMA)
    if hashlib.sha256(text).hexdigest() == card_sha256:
        return Version(folder, text)
    check_name(_parse_card(text, path).name, f"model name ({path})")
    if card_sha256 is not None:
        raise IntegrityError(
            f"{path} was modified after it was saved.", "Restore it from a backup, or remove the version."
        )
    return Version(folder, text)


def _parse_card(text: bytes, path: Path) -> "ModelCard":
    from charcnn.specs.card import ModelCard  # slow to import, and not needed for prediction

    return ModelCard.parse(text, str(path))


def problems(version_folder: Path, card_sha256: str) -> list[str]:
    """Compare every file of a version with what was saved.

    Returns:
        One line per file that is modified, missing or unexpected; empty if the version is intact.
    """
    card_path = version_folder / CARD_FILE
    if card_path.is_symlink() or not card_path.is_file():
        return [f"{CARD_FILE} is missing"]
    if sha256_of(card_path) != card_sha256:
        return [f"{CARD_FILE} was modified"]
    card = _parse_card(card_path.read_bytes(), card_path)
    found = {path.relative_to(version_folder).as_posix(): path for path in version_folder.rglob("*")}
    lines = [f"{name} is missing" for name in card.files if name not in found]
    for name, path in sorted(found.items()):
        if name == CARD_FILE:
            continue
        if name not in card.files or path.is_symlink() or not path.is_file():
            lines.append(f"{name} is not part of the version")
        elif sha256_of(path) != card.files[name]:
            lines.append(f"{name} was modified")
    return lines
