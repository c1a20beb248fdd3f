"""Bundles: one version as one file, a zip of stored members, to carry to another registry.

A bundle is an untrusted file. Its members are checked before anything is written, each is read into a file of a checked
name, and every byte is compared with the card before they become a version.
"""

import errno
import logging
import re
import shutil
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

from charcnn.errors import BundleError, ModelError
from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE, Version
from charcnn.specs.base import FILE_NAME
from charcnn.specs.card import ModelCard
from charcnn.storage.files import create_file, sha256_of

log = logging.getLogger(__name__)

SUFFIX = ".charcnn.zip"
_MAX_CARD_BYTES = 8 << 20
_MAX_MEMBERS = 64
_CHUNK_BYTES = 1 << 20
_MEMBER_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every member, so that the same version gives the same bytes."""


def export_bundle(version: Version, path: Path, force: bool = False) -> None:
    """Write a version as one file.

    Args:
        version: The version. Its files are verified.
        path: The file to write. Its folder is made.
        force: Replace an existing file.

    Raises:
        ConfigError: the path is a folder.
        OverwriteError: the file exists, and `force` is not set.
        IntegrityError: a file of the version is missing, or was modified.
        OSError: it cannot be written; no file is left behind.
    """
    example = f"{version.card.name}-{version.card.version}{SUFFIX}"
    with create_file(path, force, example) as scratch, zipfile.ZipFile(scratch, "x", zipfile.ZIP_STORED) as bundle:
        bundle.writestr(zipfile.ZipInfo(CARD_FILE, _MEMBER_TIME), version.text)
        for name in sorted(version.card.files):
            source = version.file(name)
            member = zipfile.ZipInfo(name, _MEMBER_TIME)
            member.file_size = source.stat().st_size
            with source.open("rb") as reading, bundle.open(member, "w") as writing:
                shutil.copyfileobj(reading, writing, _CHUNK_BYTES)


def import_bundle(registry: Registry, path: Path, name: str | None = None) -> Version:
    """Make a version of a bundle, as the next of its model's, after verifying its checksums.

    A bundle that the registry holds already, as a version of the same name and content, is not saved again.

    Args:
        registry: Where it goes.
        path: What `export_bundle` wrote.
        name: The model's name; the bundle's own where not given.

    Returns:
        The new version, of kind `imported`, or the one that was there already.

    Raises:
        BundleError: it is not a bundle, is damaged, or holds what a bundle never does.
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
            draft = card.model_copy(update={"kind": "imported", "name": name or card.name})
            registry.check_new_name(draft.name)
            with registry.staging() as folder:
                for file, member in members.items():
                    with bundle.open(member) as reading, (folder / file).open("xb") as writing:
                        shutil.copyfileobj(reading, writing, _CHUNK_BYTES)
                    if sha256_of(folder / file) != card.files[file]:
                        raise BundleError(f"{path}: {file}: sha256 differs from the card's.")
                same = _find_same(registry, draft)
                if same is not None:
                    log.info("%s is already there as %s; nothing was imported.", path, same.card.reference)
                    return same
                return registry.publish(folder, draft)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError) as fault:
        raise _damaged(path, fault) from None
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # a negative offset, which a damaged list of members may hold
            raise
        raise _damaged(path, fault) from None


def _find_same(registry: Registry, draft: ModelCard) -> Version | None:
    """Return the intact version that has a draft's name and says the same of the same files, if there is one."""
    for info in registry.versions(draft.name):
        with suppress(ModelError):  # a damaged version does not stand in the way of a whole one
            version = registry.open(info)
            own = {name: getattr(version.card, name) for name in ("version", "sequence", "kind")}
            if version.card == draft.model_copy(update=own) and not registry.problems(info):
                return version
    return None


def _damaged(path: Path, fault: Exception) -> BundleError:
    return BundleError(f"{path} is not a charcnn bundle, or is damaged: {fault}")


def _members(bundle: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, after checking that they are what `export_bundle` writes: plain files, stored."""
    infos = bundle.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise BundleError(f"{path} holds {len(infos)} files; a bundle has at most {_MAX_MEMBERS}.")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename in members:
            raise BundleError(f"{path} holds {info.filename[:80]!r} twice.")
        _check_member(info, path)
        members[info.filename] = info
    if len({name.casefold() for name in members}) < len(members):
        raise BundleError(f"{path} holds two files whose names differ only in case.")
    if sum(info.file_size for info in infos) > (size := path.stat().st_size):
        raise BundleError(f"{path} claims to hold more than its {size:,} bytes.")
    if CARD_FILE not in members or members[CARD_FILE].file_size > _MAX_CARD_BYTES:
        raise BundleError(f"{path} is not a charcnn bundle: it holds no {CARD_FILE}.")
    return members


def _check_member(info: zipfile.ZipInfo, path: Path) -> None:
    shown = repr(info.filename[:80])
    if not re.fullmatch(FILE_NAME, info.filename):
        raise BundleError(f"{path} holds {shown}, which is not a valid file name in a bundle.")
    if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
        raise BundleError(f"{path} holds {shown}, which is not a plain file.")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
        raise BundleError(f"{path} holds {shown} compressed or encrypted; a bundle's files are stored.")


def _compare(present: set[str], described: set[str], path: Path) -> None:
    """Check that the files are those that the card describes."""
    if present != described:
        lacking, extra = sorted(described - present), sorted(present - described)
        words = [f"lacks {name[:80]!r}" for name in lacking] + [f"holds {name}, which its card lacks" for name in extra]
        raise BundleError(f"{path} {', '.join(words)}.")
