"""One version: a folder with a card and the files that the card vouches for."""

from dataclasses import dataclass
from pathlib import Path

from charcnn.errors import IntegrityError, ModelError
from charcnn.registry.files import sha256_of
from charcnn.spec import ModelCard

CARD_FILE = "card.json"
WEIGHTS_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"
HISTORY_FILE = "history.csv"


@dataclass(frozen=True)
class Version:
    """A version that was opened: its card is read and understood.

    Attributes:
        folder: Where it lies.
        card: What it says of itself.
    """

    folder: Path
    card: ModelCard

    def file(self, name: str) -> Path:
        """Gives the path of one of the version's files, after checking that its content is what the card says.

        Raises:
            IntegrityError: the file is missing, or is another one.
        """
        path = self.folder / name
        if name not in self.card.files or path.is_symlink() or not path.is_file():
            raise IntegrityError(
                f"{self.card.reference} lacks its file {name}.",
                "charcnn models verify --all tells what is missing.",
            )
        if sha256_of(path) != self.card.files[name]:
            raise IntegrityError(
                f"{path} is not the file that was saved: its sha256 is another one.",
                "Do not use it. Train again, or bring the file back from a copy.",
            )
        return path


def open_version(folder: Path, card_sha256: str | None = None) -> Version:
    """Reads a version's card.

    Args:
        folder: The version's folder.
        card_sha256: What the card must hash to, where that is known.

    Raises:
        ModelError: there is no card.
        CardError: the card cannot be understood.
        IntegrityError: the card is not the one that was saved.
    """
    path = folder / CARD_FILE
    if path.is_symlink() or not path.is_file():
        raise ModelError(f"{folder} holds no {CARD_FILE}: it is no version of a model.")
    card = ModelCard.parse(path.read_bytes(), str(path))
    if card_sha256 is not None and sha256_of(path) != card_sha256:
        raise IntegrityError(
            f"{path} was changed after it was saved.", "Bring it back from a copy, or remove the version."
        )
    return Version(folder, card)


def problems(version_folder: Path, card_sha256: str) -> list[str]:
    """Compares every byte of a version with what was saved.

    Returns:
        One line per file that is changed, missing or extra; empty for a whole version.
    """
    card_path = version_folder / CARD_FILE
    if card_path.is_symlink() or not card_path.is_file():
        return [f"{CARD_FILE} is missing"]
    if sha256_of(card_path) != card_sha256:
        return [f"{CARD_FILE} was changed"]
    card = ModelCard.parse(card_path.read_bytes(), str(card_path))
    found = {path.relative_to(version_folder).as_posix(): path for path in version_folder.rglob("*")}
    lines = [f"{name} is missing" for name in card.files if name not in found]
    for name, path in sorted(found.items()):
        if name == CARD_FILE:
            continue
        if name not in card.files or path.is_symlink() or not path.is_file():
            lines.append(f"{name} does not belong there")
        elif sha256_of(path) != card.files[name]:
            lines.append(f"{name} was changed")
    return lines
