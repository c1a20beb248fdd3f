"""Every changed, missing or extra byte is found, and invalid files are named."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charcnn.errors import CardError, IntegrityError, ModelError
from charcnn.registry.index import INDEX_FILE
from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE, ONNX_FILE, WEIGHTS_FILE, Version, open_version
from charcnn.specs.card import ModelCard
from tests.support.cards import FILES, is_whole, publish


@pytest.fixture
def saved(registry: Registry) -> Version:
    return publish(registry)


def problems(registry: Registry) -> list[str]:
    return registry.problems(registry.find("small"))


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


# bytes


@pytest.mark.parametrize("name", [*FILES, CARD_FILE])
def test_a_changed_bit_anywhere_is_found(registry: Registry, saved: Version, name: str) -> None:
    path, draw = saved.folder / name, random.Random(name)
    whole = path.read_bytes()
    positions = [0, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(20))]
    for position in positions:
        changed = bytearray(whole)
        changed[position] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        assert problems(registry) == [f"{name} was modified"]
        with pytest.raises((IntegrityError, CardError), match=name.replace(".", r"\.")):
            registry.open("small").file(name)
    path.write_bytes(whole)
    assert is_whole(registry, "small")


@pytest.mark.parametrize("name", [*FILES, CARD_FILE])
def test_a_truncated_or_extended_file_is_found(registry: Registry, saved: Version, name: str) -> None:
    path = saved.folder / name
    whole = path.read_bytes()
    for content in (b"", whole[:-1], whole + b"\n"):
        path.write_bytes(content)
        assert problems(registry) == [f"{name} was modified"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_found(registry: Registry, saved: Version, name: str) -> None:
    (saved.folder / name).unlink()
    assert problems(registry) == [f"{name} is missing"]
    with pytest.raises(IntegrityError, match=f"small@1 has no file {name}"):
        saved.file(name)


def test_a_missing_card_is_found(registry: Registry, saved: Version) -> None:
    (saved.folder / CARD_FILE).unlink()
    assert problems(registry) == ["card.json is missing"]
    with pytest.raises(ModelError, match=r"contains no card\.json"):
        registry.open("small")


@pytest.mark.parametrize("name", ["model.pt", "notes.txt", ".hidden", "sub/deep.bin"])
def test_an_extra_file_is_found(registry: Registry, saved: Version, name: str) -> None:
    path = saved.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"extra")
    assert f"{name} is not part of the version" in problems(registry)


def test_a_folder_in_place_of_a_file_is_found(registry: Registry, saved: Version) -> None:
    (saved.folder / ONNX_FILE).unlink()
    (saved.folder / ONNX_FILE).mkdir()
    assert problems(registry) == ["model.onnx is not part of the version"]
    with pytest.raises(IntegrityError):
        saved.file(ONNX_FILE)


@pytest.mark.parametrize("name", FILES)
def test_a_link_is_refused_even_if_its_content_is_right(
    registry: Registry, saved: Version, name: str, tmp_path: Path
) -> None:
    (saved.folder / name).rename(tmp_path / "elsewhere")
    (saved.folder / name).symlink_to(tmp_path / "elsewhere")
    assert problems(registry) == [f"{name} is not part of the version"]
    with pytest.raises(IntegrityError, match=name):
        saved.file(name)


def test_a_link_as_card_is_refused(registry: Registry, saved: Version, tmp_path: Path) -> None:
    (saved.folder / CARD_FILE).rename(tmp_path / "elsewhere")
    (saved.folder / CARD_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError):
        registry.open("small")
    assert problems(registry) == ["card.json is missing"]


@pytest.mark.parametrize("name", ["../../.lock", CARD_FILE, "/etc/passwd", ""])
def test_only_files_that_the_card_lists_can_be_read(saved: Version, name: str) -> None:
    with pytest.raises(IntegrityError):
        saved.file(name)


def test_the_card_of_another_version_is_refused(registry: Registry, saved: Version) -> None:
    other = publish(registry)
    (saved.folder / CARD_FILE).write_bytes((other.folder / CARD_FILE).read_bytes())
    with pytest.raises(IntegrityError, match="was modified after it was saved"):
        registry.open("small@1")


def test_a_damaged_version_does_not_affect_the_others(registry: Registry, saved: Version) -> None:
    publish(registry)
    (saved.folder / CARD_FILE).write_bytes(b"\xff\xfe nonsense")
    assert is_whole(registry, "small@2")
    assert [listed.number for listed in registry.versions()] == [2, 1]
    registry.remove(registry.find("small@1"))
    assert [listed.number for listed in registry.versions()] == [2]


# cards


def test_a_card_of_a_newer_schema_asks_to_upgrade_charcnn(saved: Version) -> None:
    path = saved.folder / CARD_FILE
    edited(path, lambda card: card.update(schema_version=2, novelty=1))
    with pytest.raises(CardError, match=r"card\.json has schema version 2; this charcnn reads up to 1") as fault:
        open_version(saved.folder)
    assert "Upgrade" in fault.value.hint


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None])
def test_a_card_without_a_valid_schema_version_is_refused(saved: Version, version: object) -> None:
    edited(saved.folder / CARD_FILE, lambda card: card.update(schema_version=version))
    with pytest.raises(CardError, match="schema_version"):
        open_version(saved.folder)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda card: card.update(colour="red"), "colour"),
        (lambda card: card["training"].update(mood="good"), r"training\.mood"),
        (lambda card: card.pop("labels"), "labels"),
        (lambda card: card.update(labels=["only one"]), "labels"),
        (lambda card: card.update(labels="abc"), "labels"),
        (lambda card: card["training"].update(epochs="many"), r"training\.epochs"),
        (lambda card: card["training"]["config"].update(opt="sdg"), r"training\.config\.opt"),
        (lambda card: card["image"].update(height=0), r"image\.height"),
        (lambda card: card["validation"].update(accuracy=1.5), r"validation\.accuracy"),
        (lambda card: card.update(created="yesterday"), "created"),
        (lambda card: card.update(files=["model.onnx"]), "files"),
        (lambda card: card.update(kind="stolen"), "kind"),
    ],
)
def test_an_invalid_field_is_named(saved: Version, change: Callable[[dict[str, Any]], object], field: str) -> None:
    edited(saved.folder / CARD_FILE, change)
    with pytest.raises(CardError, match=rf"card\.json: {field}"):
        open_version(saved.folder)


NO_CARDS = {
    "empty": b"",
    "cut": b"{",
    "list": b"[]",
    "null": b"null",
    "number": b"3",
    "text": b'"card"',
    "no fields": b"{}",
    "not UTF-8": b"\xff\xfe\x00",
    "a pickle in a zip": b"PK\x03\x04",
    "a version without end": b'{"schema_version": ' + b"9" * 5000 + b"}",
    "half a surrogate": b'{"schema_version": 1, "name": "\\ud800"}',
    "nested": b'{"schema_version": 1, "labels": ' + b"[" * 500 + b"]" * 500 + b"}",
    "nested without end": b"[" * 200_000,
}


@pytest.mark.parametrize("content", NO_CARDS.values(), ids=NO_CARDS)
def test_a_file_that_is_not_a_card_is_refused(content: bytes) -> None:
    with pytest.raises(CardError, match=r"here/card\.json"):
        ModelCard.parse(content, "here/card.json")


def test_verifying_continues_after_an_invalid_card(registry: Registry, saved: Version) -> None:
    (saved.folder / CARD_FILE).write_bytes(b"[")
    assert problems(registry) == ["card.json was modified"]


# the index


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"schema_version": 2, "counter": 1}', "schema version 2; this charcnn reads up to 1"),
        ("{", "is not JSON"),
        ("{}", "schema_version"),
        ('{"schema_version": 1, "counter": "x"}', "counter"),
        ('{"schema_version": 1, "colour": "red"}', "colour"),
        ('{"schema_version": 1, "versions": {"one": {}}}', "versions"),
    ],
)
def test_an_invalid_index_is_named(registry: Registry, saved: Version, content: str, message: str) -> None:
    path = registry.root / "small" / INDEX_FILE
    path.write_text(content)
    for act in (lambda: registry.find("small"), lambda: registry.find("latest"), lambda: publish(registry)):
        with pytest.raises(CardError, match=message) as fault:
            act()
        assert str(path) in fault.value.message
    assert path.read_text() == content


def test_an_index_of_a_newer_schema_does_not_affect_other_models(registry: Registry, saved: Version) -> None:
    publish(registry, "other")
    (registry.root / "small" / INDEX_FILE).write_text('{"schema_version": 2}')
    assert is_whole(registry, "other@1")
    assert publish(registry, "other").card.version == 2


def test_renamed_weights_are_reported_as_missing(registry: Registry, saved: Version) -> None:
    (saved.folder / WEIGHTS_FILE).rename(saved.folder / "model.pt")
    assert sorted(problems(registry)) == ["model.pt is not part of the version", "model.safetensors is missing"]


def test_a_card_with_invalid_settings_is_refused(registry: Registry, saved: Version) -> None:
    edited(saved.folder / CARD_FILE, lambda card: card["training"]["config"].update(lr=-1))
    with pytest.raises(CardError, match="lr=-1"):
        open_version(saved.folder)
    assert problems(registry) != []
