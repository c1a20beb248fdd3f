"""One version as one file: a zip of stored members, to carry to another registry.

A bundle is somebody else's file. Nothing of it is believed: its members are read in place, each into a file of a name
that this registry chose, and every byte is compared with the card before a version is made of them.
"""

import errno
import re
import shutil
import stat
import zipfile
from pathlib import Path

from charcnn.errors import BundleError
from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE, Version
from charcnn.specs.base import FILE_NAME
from charcnn.specs.card import ModelCard
from charcnn.storage.files import atomic_file, refuse_to_overwrite, sha256_of

SUFFIX = ".charcnn.zip"
_LONGEST_CARD = 8 << 20
_MOST_MEMBERS = 64
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same version gives the same bytes."""


def export_bundle(version: Version, path: Path, force: bool = False) -> None:
    """Writes a version as one file.

    Args:
        version: Checked while it is written.
        path: The file.
        force: Replace a file that is there.

    Raises:
        OverwriteError: there is a file, and `force` is not set.
        IntegrityError: a file of the version is missing, or is not the one that was saved.
        OSError: it cannot be written; nothing is left behind.
    """
    refuse_to_overwrite(path, force)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder", str(path.parent))
    with atomic_file(path, durable=False) as scratch, zipfile.ZipFile(scratch, "x", zipfile.ZIP_STORED) as bundle:
        bundle.writestr(zipfile.ZipInfo(CARD_FILE, _EPOCH), version.text)
        for name in sorted(version.card.files):
            source = version.file(name)
            member = zipfile.ZipInfo(name, _EPOCH)
            member.file_size = source.stat().st_size
            with source.open("rb") as reading, bundle.open(member, "w") as writing:
                shutil.copyfileobj(reading, writing, _CHUNK)


def import_bundle(registry: Registry, path: Path, name: str | None = None) -> Version:
    """Makes a version of a bundle, as the next of its model's.

    Args:
        registry: Where it goes.
        path: What `export_bundle` wrote.
        name: The model's name; the bundle's own where not given.

    Raises:
        BundleError: it is no bundle, is damaged, or holds what a bundle never does.
        CardError: its card cannot be understood.
        ModelError: the name cannot be one.
        OSError: it cannot be read, or the registry not be written; nothing is left behind.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            members = _members(bundle, path)
            with bundle.open(members.pop(CARD_FILE)) as stream:
                text = stream.read()
            card = ModelCard.parse(text, f"{path}: {CARD_FILE}")
            _compare(set(members), set(card.files), path)
            with registry.staging() as folder:
                for file, member in members.items():
                    with bundle.open(member) as reading, (folder / file).open("xb") as writing:
                        shutil.copyfileobj(reading, writing, _CHUNK)
                    if sha256_of(folder / file) != card.files[file]:
                        raise BundleError(f"{path}: {file} is not the file that its card describes.")
                draft = card.model_copy(update={"kind": "imported", "name": name or card.name})
                return registry.publish(folder, draft)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError) as fault:
        raise _no_bundle(path, fault) from None
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # a place before the file's beginning, which a damaged list of members names
            raise
        raise _no_bundle(path, fault) from None


def _no_bundle(path: Path, fault: Exception) -> BundleError:
    return BundleError(
        f"{path} is no bundle of charcnn's, or is damaged: {fault}", "charcnn models export-bundle writes one."
    )


def _members(bundle: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The members by name, after checking that they are what `export_bundle` writes: plain files, stored."""
    infos = bundle.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise BundleError(f"{path} holds {len(infos)} files: no version has so many.")
    size = path.stat().st_size
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        shown = repr(info.filename[:80])
        if info.filename in members:
            raise BundleError(f"{path} holds {shown} twice.")
        if not re.fullmatch(FILE_NAME, info.filename):
            raise BundleError(f"{path} holds {shown}: no version has a file of such a name.")
        if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
            raise BundleError(f"{path} holds {shown}, which is no plain file.")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise BundleError(f"{path} holds {shown} compressed or encrypted: a bundle's files are stored as they are.")
        members[info.filename] = info
    if len({name.casefold() for name in members}) < len(members):
        raise BundleError(f"{path} holds two files whose names differ only in case.")
    if sum(info.file_size for info in infos) > size:
        raise BundleError(f"{path} says that it holds more than its {size:,} bytes.")
    if CARD_FILE not in members or members[CARD_FILE].file_size > _LONGEST_CARD:
        raise BundleError(f"{path} is no bundle of charcnn's: it holds no {CARD_FILE}.")
    return members


def _compare(there: set[str], described: set[str], path: Path) -> None:
    """Checks that the files are those that the card describes."""
    if there != described:
        lacking, extra = sorted(described - there), sorted(there - described)
        words = [f"lacks {name[:80]!r}" for name in lacking] + [f"holds {name}, which its card lacks" for name in extra]
        raise BundleError(f"{path} {', '.join(words)}.")
