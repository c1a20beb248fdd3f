"""Bundles: a version as a single file, an uncompressed zip, for moving it to another registry.

A bundle is an untrusted file. Its members are checked before anything is written, extracted under checked names, and
compared with the sha256 sums of the card before they become a version.
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
from charcnn.specs.base import FILE_NAME_PATTERN
from charcnn.specs.card import ModelCard
from charcnn.storage.files import create_file, sha256_of

log = logging.getLogger(__name__)

SUFFIX = ".charcnn.zip"
_MAX_CARD_BYTES = 8 << 20
_MAX_MEMBERS = 64
_CHUNK_BYTES = 1 << 20
_MEMBER_TIME = (1980, 1, 1, 0, 0, 0)
"""Timestamp of every member, so that the same version always gives the same bytes."""


def export_bundle(version: Version, path: Path, force: bool = False) -> None:
    """Write a version as a bundle.

    Args:
        version: The version, whose files are verified.
        path: The file to write. Missing folders are created.
        force: Replace an existing file.

    Raises:
        ConfigError: the path is a folder.
        OverwriteError: the file exists, and `force` is not set.
        IntegrityError: a file of the version is missing, or was modified.
        OSError: the file cannot be written; nothing is left behind.
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
    """Import a bundle as the next version of its model, after verifying its checksums.

    If the registry already has a version with the same name and content, nothing is imported.

    Args:
        registry: The registry to import into.
        path: A file written by `export_bundle`.
        name: Name of the model; by default, the name in the bundle.

    Returns:
        The new version, of kind `imported`, or the existing one.

    Raises:
        BundleError: the file is not a bundle, is damaged, or contains unexpected members.
        CardError: its card cannot be parsed.
        ModelError: the name is not a valid model name.
        OSError: the file cannot be read, or the registry cannot be written; nothing is left behind.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            members = _members(bundle, path)
            with bundle.open(members.pop(CARD_FILE)) as stream:
                text = stream.read()
            card = ModelCard.parse(text, f"{path}: {CARD_FILE}")
            _check_files(set(members), set(card.files), path)
            draft = card.model_copy(update={"kind": "imported", "name": name or card.name})
            registry.check_new_name(draft.name)
            with registry.staging() as folder:
                for file, member in members.items():
                    with bundle.open(member) as reading, (folder / file).open("xb") as writing:
                        shutil.copyfileobj(reading, writing, _CHUNK_BYTES)
                    if sha256_of(folder / file) != card.files[file]:
                        raise BundleError(f"{path}: {file}: sha256 differs from the card.")
                same = _find_same(registry, draft)
                if same is not None:
                    log.info("%s is already in the registry as %s. Nothing was imported.", path, same.card.reference)
                    return same
                return registry.publish(folder, draft)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError) as fault:
        raise _damaged(path, fault) from None
    except OSError as fault:
        if fault.errno != errno.EINVAL:  # negative offset in a damaged list of members
            raise
        raise _damaged(path, fault) from None


def _find_same(registry: Registry, draft: ModelCard) -> Version | None:
    """Return the intact version with the name and the content of a draft; None if there is none."""
    for info in registry.versions(draft.name):
        with suppress(ModelError):  # a damaged version does not prevent the import
            version = registry.open(info)
            own = {name: getattr(version.card, name) for name in ("version", "sequence", "kind")}
            if version.card == draft.model_copy(update=own) and not registry.problems(info):
                return version
    return None


def _damaged(path: Path, fault: Exception) -> BundleError:
    return BundleError(f"{path} is not a charcnn bundle, or is damaged: {fault}")


def _members(bundle: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, after checking that they are plain, uncompressed files."""
    infos = bundle.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise BundleError(f"{path} contains {len(infos)} files; a bundle has at most {_MAX_MEMBERS}.")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename in members:
            raise BundleError(f"{path} contains {info.filename[:80]!r} twice.")
        _check_member(info, path)
        members[info.filename] = info
    if len({name.casefold() for name in members}) < len(members):
        raise BundleError(f"{path} contains two files whose names differ only in case.")
    if sum(info.file_size for info in infos) > (size := path.stat().st_size):
        raise BundleError(f"{path} claims to contain more than its {size:,} bytes.")
    if CARD_FILE not in members or members[CARD_FILE].file_size > _MAX_CARD_BYTES:
        raise BundleError(f"{path} is not a charcnn bundle: it contains no {CARD_FILE}.")
    return members


def _check_member(info: zipfile.ZipInfo, path: Path) -> None:
    shown = repr(info.filename[:80])
    if not re.fullmatch(FILE_NAME_PATTERN, info.filename):
        raise BundleError(f"{path} contains {shown}, which is not a valid file name in a bundle.")
    if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
        raise BundleError(f"{path} contains {shown}, which is not a plain file.")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
        raise BundleError(f"{path} contains {shown}, which is compressed or encrypted.")


def _check_files(present: set[str], described: set[str], path: Path) -> None:
    """Check that the bundle contains exactly the files that its card lists."""
    if present != described:
        faults = [f"lacks {name[:80]!r}" for name in sorted(described - present)]
        faults += [f"contains {name}, which its card does not list" for name in sorted(present - described)]
        raise BundleError(f"{path} {', '.join(faults)}.")
