"""Versions are moved to other registries as bundles; invalid bundles are refused and leave nothing behind."""

import logging
import random
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from charcnn.errors import BundleError, CardError, CharcnnError, ConfigError, IntegrityError, ModelError, OverwriteError
from charcnn.registry.bundle import export_bundle, import_bundle
from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE
from tests.support.cards import FILES, is_whole, publish


@pytest.fixture
def bundle(registry: Registry, tmp_path: Path) -> Path:
    path = tmp_path / "small.zip"
    export_bundle(publish(registry), path)
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "elsewhere")


def rewrite_bundle(bundle: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Write a bundle again with its members changed."""
    with zipfile.ZipFile(bundle) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    change(members)
    with zipfile.ZipFile(bundle, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)


def is_untouched(registry: Registry) -> bool:
    """Return whether a registry has no version and nothing in staging."""
    staging = registry.root / ".staging"
    return registry.names() == [] and (not staging.exists() or list(staging.iterdir()) == [])


def test_an_imported_bundle_equals_the_exported_version(registry: Registry, bundle: Path, elsewhere: Registry) -> None:
    came = import_bundle(elsewhere, bundle)
    assert came.card.reference == "small@1"
    assert came.card.kind == "imported"
    assert is_whole(elsewhere, "small@1")
    for name in FILES:
        assert came.file(name).read_bytes() == registry.open("small").file(name).read_bytes()
    assert import_bundle(elsewhere, bundle, "other").card.reference == "other@1"


def test_an_existing_version_is_reported_and_not_imported_again(
    registry: Registry, bundle: Path, elsewhere: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "charcnn")
    import_bundle(elsewhere, bundle)
    assert "already in the registry" not in caplog.text
    for where in (elsewhere, registry):  # the registry of the import, and that of the export
        assert import_bundle(where, bundle).card.reference == "small@1"
        assert f"{bundle} is already in the registry as small@1" in caplog.text
        assert [info.reference for info in where.versions()] == ["small@1"]
        assert list((where.root / ".staging").iterdir()) == []
        caplog.clear()


def test_a_different_card_or_a_damaged_version_does_not_count_as_existing(bundle: Path, elsewhere: Registry) -> None:
    came = import_bundle(elsewhere, bundle)
    rewrite_bundle(bundle, lambda members: members.update({CARD_FILE: members[CARD_FILE].replace(b"12.5", b"13.5")}))
    assert import_bundle(elsewhere, bundle).card.reference == "small@2"
    for number in (1, 2):
        (came.folder.parent / str(number) / FILES[0]).write_bytes(b"damaged")
    assert import_bundle(elsewhere, bundle).card.reference == "small@3"


def test_the_same_version_gives_the_same_bytes(registry: Registry, bundle: Path, tmp_path: Path) -> None:
    export_bundle(registry.open("small"), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    with zipfile.ZipFile(bundle) as file:
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}


def test_a_file_is_replaced_only_with_force(registry: Registry, bundle: Path) -> None:
    bundle.write_text("mine")
    with pytest.raises(OverwriteError):
        export_bundle(registry.open("small"), bundle)
    assert bundle.read_text() == "mine"
    export_bundle(registry.open("small"), bundle, force=True)
    assert zipfile.is_zipfile(bundle)


def test_missing_folders_are_created_and_a_folder_as_the_file_is_refused(registry: Registry, tmp_path: Path) -> None:
    version = publish(registry)
    export_bundle(version, tmp_path / "new" / "deep" / "b.zip")
    assert zipfile.is_zipfile(tmp_path / "new" / "deep" / "b.zip")
    for force in (False, True):
        with pytest.raises(ConfigError, match="new is a folder") as fault:
            export_bundle(version, tmp_path / "new", force)
        assert str(tmp_path / "new" / "small-1.charcnn.zip") in fault.value.hint


def test_a_damaged_version_is_not_exported(registry: Registry, tmp_path: Path) -> None:
    version = publish(registry)
    (version.folder / FILES[0]).write_bytes(b"other")
    for path in ("b.zip", "new/deep/b.zip"):
        with pytest.raises(IntegrityError):
            export_bundle(version, tmp_path / path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["registry"]


@pytest.mark.parametrize(
    "name",
    ["../up", "/etc/x", "a/b", "a\\b", "..", "C:x", ".hidden", "nul\n", "x" * 200, "博"],
)
def test_no_member_is_extracted_outside_the_folder(
    bundle: Path, elsewhere: Registry, tmp_path: Path, name: str
) -> None:
    rewrite_bundle(bundle, lambda members: members.__setitem__(name, b"evil"))
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(elsewhere.root)}
    with pytest.raises(BundleError):
        import_bundle(elsewhere, bundle)
    assert is_untouched(elsewhere)
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(elsewhere.root)} == before


def test_a_link_is_refused(bundle: Path, elsewhere: Registry) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(bundle, "a") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(BundleError, match="'link', which is not a plain file"):
        import_bundle(elsewhere, bundle)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_duplicate_name_is_refused(bundle: Path, elsewhere: Registry) -> None:
    with zipfile.ZipFile(bundle, "a") as file:
        file.writestr(FILES[0], "other")
    with pytest.raises(BundleError, match="twice"):
        import_bundle(elsewhere, bundle)


def test_a_zip_bomb_is_not_unpacked(bundle: Path, elsewhere: Registry) -> None:
    with zipfile.ZipFile(bundle, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(50_000_000))
    with pytest.raises(BundleError, match="compressed or encrypted"):
        import_bundle(elsewhere, bundle)


def test_overlapping_members_are_refused(bundle: Path, elsewhere: Registry) -> None:
    with zipfile.ZipFile(bundle) as file:
        before = file.infolist()
    with zipfile.ZipFile(bundle, "a") as file:
        for number in range(20):  # all at the bytes of one
            info = zipfile.ZipInfo(f"same{number}")
            one = next(info for info in before if info.filename == FILES[0])
            info.header_offset, info.file_size, info.compress_size, info.CRC = (
                one.header_offset,
                one.file_size,
                one.compress_size,
                one.CRC,
            )
            file.filelist.append(info)
            file.NameToInfo[info.filename] = info
        file.comment = b" "  # so that the list of members is written again
    with pytest.raises(BundleError):
        import_bundle(elsewhere, bundle)


@pytest.mark.parametrize("name", [*FILES, CARD_FILE])
def test_a_missing_file_of_a_bundle_is_named(bundle: Path, elsewhere: Registry, name: str) -> None:
    rewrite_bundle(bundle, lambda members: members.pop(name))
    with pytest.raises(BundleError, match=name):
        import_bundle(elsewhere, bundle)
    assert is_untouched(elsewhere)


def test_a_file_that_the_card_does_not_list_is_refused(bundle: Path, elsewhere: Registry) -> None:
    rewrite_bundle(bundle, lambda members: members.__setitem__("extra.pkl", b"\x80\x04"))
    with pytest.raises(BundleError, match=r"contains extra\.pkl, which its card does not list"):
        import_bundle(elsewhere, bundle)


def test_a_card_may_not_name_a_file_outside_the_version(bundle: Path, elsewhere: Registry) -> None:
    def evil(members: dict[str, bytes]) -> None:
        members[CARD_FILE] = members[CARD_FILE].replace(b'"history.csv"', b'"../../history.csv"')

    rewrite_bundle(bundle, evil)
    with pytest.raises(CardError, match="files"):
        import_bundle(elsewhere, bundle)


def test_a_card_may_not_choose_a_folder(bundle: Path, elsewhere: Registry) -> None:
    rewrite_bundle(
        bundle,
        lambda members: members.__setitem__(
            CARD_FILE, members[CARD_FILE].replace(b'"name": "small"', b'"name": "../up"')
        ),
    )
    with pytest.raises(ModelError, match=r"'\.\./up' is not a valid model name"):
        import_bundle(elsewhere, bundle)
    assert is_untouched(elsewhere)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04pickle", b"{}", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_not_a_bundle_is_refused(tmp_path: Path, elsewhere: Registry, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"x\.zip"):
        import_bundle(elsewhere, path)


@pytest.mark.slow
def test_mutated_bundles_are_refused_or_imported_unchanged(bundle: Path, elsewhere: Registry, tmp_path: Path) -> None:
    whole, draw = bundle.read_bytes(), random.Random(0)
    accepted = 0
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(draw.choice([1, 1, 2, 8])):
            kind, at = draw.randrange(4), draw.randrange(len(data))
            if kind == 0:
                data[at] ^= 1 << draw.randrange(8)
            elif kind == 1:
                del data[at:]
                data += b"\0"
            elif kind == 2:
                data[at : at + draw.randrange(40)] = draw.randbytes(draw.randrange(40))
            else:
                data += data[at : at + 60]
        (tmp_path / "mutated.zip").write_bytes(data)
        try:
            version = import_bundle(elsewhere, tmp_path / "mutated.zip", "small")
        except CharcnnError:
            continue
        accepted += 1
        assert is_whole(elsewhere, version.card.reference)
        assert all(version.file(name).stat().st_size for name in FILES)
    assert accepted < 500
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "mutated.zip", "registry", "small.zip"]
    assert {path.name for path in elsewhere.root.iterdir()} <= {".lock", ".sequence", ".staging", "small"}
    assert list((elsewhere.root / ".staging").iterdir()) == []


def test_changed_content_with_a_valid_crc_is_refused(bundle: Path, elsewhere: Registry) -> None:
    rewrite_bundle(bundle, lambda members: members.update({FILES[0]: members[FILES[0]] + b"more"}))
    with pytest.raises(BundleError, match=f"{FILES[0]}: sha256 differs"):
        import_bundle(elsewhere, bundle)
    assert is_untouched(elsewhere)


def test_two_names_that_differ_only_in_case_are_refused(bundle: Path, elsewhere: Registry) -> None:
    rewrite_bundle(bundle, lambda members: members.update({FILES[0].upper(): b""}))
    with pytest.raises(BundleError, match="differ only in case"):
        import_bundle(elsewhere, bundle)
    assert is_untouched(elsewhere)
