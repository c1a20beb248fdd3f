"""Saving, finding, opening and verifying versions; numbers, `latest`, aliases, evaluations, removal."""

import json
from pathlib import Path

import pytest

from charcnn.errors import ModelError, ModelNotFoundError
from charcnn.registry.index import INDEX_FILE, Index
from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE, HISTORY_FILE, ONNX_FILE, open_version
from charcnn.storage.files import sha256_of
from tests.support.cards import FILES, draft, is_whole, publish


def references(registry: Registry, name: str | None = None) -> list[str]:
    return [listed.reference for listed in registry.versions(name)]


# a version


def test_a_saved_version_is_opened_unchanged(registry: Registry) -> None:
    saved = publish(registry)
    opened = registry.open("small")
    assert opened == saved
    assert opened.folder == registry.root / "small" / "1"
    assert {path.name for path in opened.folder.iterdir()} == {*FILES, CARD_FILE}
    expected = draft().model_dump() | {"version": 1, "sequence": 1}
    card = opened.card.model_dump()
    assert card.pop("files") == {name: sha256_of(opened.folder / name) for name in FILES}
    expected.pop("files")
    assert card == expected
    assert opened.file(HISTORY_FILE).read_bytes() == b"small: history.csv\n" * 40
    assert registry.problems(registry.find("small")) == []


def test_a_version_opens_from_its_folder_alone(registry: Registry, tmp_path: Path) -> None:
    saved = publish(registry)
    assert open_version(saved.folder) == saved
    copy = saved.folder.rename(tmp_path / "elsewhere")
    assert open_version(copy).file(ONNX_FILE) == copy / ONNX_FILE


def test_a_folder_without_a_card_is_not_a_version(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"contains no card\.json"):
        open_version(tmp_path)


def test_the_card_on_disk_is_strict_json_with_its_schema_version(registry: Registry) -> None:
    path = publish(registry).folder / CARD_FILE

    def refuse(word: str) -> None:
        raise AssertionError(word)

    card = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert card["schema_version"] == 1
    assert card["labels"] == ["博", "学", "笃"]


def test_nothing_stays_in_staging(registry: Registry) -> None:
    publish(registry)
    assert list((registry.root / ".staging").iterdir()) == []


def test_staging_is_removed_after_an_error(registry: Registry) -> None:
    def work() -> None:
        with registry.staging() as folder:
            (folder / ONNX_FILE).write_bytes(b"half")
            raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError, match="the work failed"):
        work()
    assert list((registry.root / ".staging").iterdir()) == []
    assert registry.versions() == []


# finding


def test_an_empty_registry_has_no_models(registry: Registry) -> None:
    assert registry.names() == []
    assert registry.versions() == []
    for reference in ("latest", "small"):
        with pytest.raises(ModelError) as fault:
            registry.find(reference)
        assert fault.value.hint == ""
    assert not registry.root.exists()  # reading writes nothing


def test_the_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Registry().root == Path("registry")
    monkeypatch.setenv("CHARCNN_REGISTRY", str(tmp_path / "shared"))
    assert Registry().root == tmp_path / "shared"
    assert Registry("own").root == Path("own")


def test_versions_are_listed_newest_first(registry: Registry) -> None:
    for name in ("b", "a", "b"):
        publish(registry, name)
    assert registry.names() == ["a", "b"]
    assert references(registry) == ["b@2", "a@1", "b@1"]
    assert references(registry, "b") == ["b@2", "b@1"]


@pytest.mark.parametrize("reference", ["small", "small@2", "small@v2", "small@V2", "small@latest", "small@best"])
def test_a_version_is_found_by_every_form_of_reference(registry: Registry, reference: str) -> None:
    publish(registry)
    publish(registry)
    registry.set_alias(registry.find("small@2"), "best")
    assert registry.find(reference).reference == "small@2"
    assert registry.open(reference).card.version == 2


def test_latest_goes_by_sequence_across_all_names(registry: Registry) -> None:
    for name in ("zz", "aa", "zz", "mm"):
        publish(registry, name)
        assert registry.find("latest").name == name
    assert [listed.entry.sequence for listed in registry.versions()] == [4, 3, 2, 1]
    assert registry.open("latest").card.sequence == 4


def test_imports_never_become_latest(registry: Registry) -> None:
    publish(registry, "first", "imported")
    with pytest.raises(ModelNotFoundError, match="no model"):
        registry.find("latest")
    publish(registry, "second")
    publish(registry, "second", "imported")
    publish(registry, "third", "imported")
    assert registry.find("latest").reference == "second@1"
    assert registry.find("second").reference == "second@2"  # a name alone is its newest, whatever it is
    assert registry.find("third").entry.kind == "imported"


def test_files_with_the_former_kind_run_still_open(registry: Registry) -> None:
    publish(registry, "first", "imported")
    model = registry.root / "first"
    card = (model / "1" / CARD_FILE).read_text().replace('"kind": "imported"', '"kind": "run"')
    (model / "1" / CARD_FILE).write_text(card)
    index = json.loads((model / INDEX_FILE).read_text())
    index["versions"]["1"] |= {"kind": "run", "card_sha256": sha256_of(model / "1" / CARD_FILE)}
    (model / INDEX_FILE).write_text(json.dumps(index))
    assert registry.open("first").card.kind == "imported"
    assert is_whole(registry, "first@1")
    with pytest.raises(ModelNotFoundError):
        registry.find("latest")


def test_a_misspelled_name_suggests_the_closest(registry: Registry) -> None:
    publish(registry, "fudan12")
    publish(registry, "meters")
    with pytest.raises(ModelError, match="No model named fudan21") as fault:
        registry.find("fudan21")
    assert fault.value.hint == "Did you mean fudan12?"
    with pytest.raises(ModelError) as fault:
        registry.find("xyz")
    assert "fudan12, meters" in fault.value.hint


def test_a_missing_version_error_lists_the_existing_ones(registry: Registry) -> None:
    publish(registry)
    publish(registry)
    registry.set_alias(registry.find("small@1"), "best")
    for which in ("version 7", "alias worst"):
        with pytest.raises(ModelError, match=f"small has no {which}") as fault:
            registry.find(f"small@{which.split()[1]}")
        assert fault.value.hint == "It has: 1, 2, best."


def test_version_zero_is_reported_as_missing(registry: Registry) -> None:
    publish(registry)
    with pytest.raises(ModelError, match="small has no version 0"):
        registry.find("small@0")


# numbers


def test_numbers_count_from_one_for_each_name(registry: Registry) -> None:
    assert [publish(registry, name).card.reference for name in ("a", "b", "a", "a")] == ["a@1", "b@1", "a@2", "a@3"]


@pytest.mark.parametrize("removed", [1, 2, 3])
def test_the_number_of_a_removed_version_is_not_reused(registry: Registry, removed: int) -> None:
    for _ in range(3):
        publish(registry)
    registry.remove(registry.find(f"small@{removed}"))
    assert publish(registry).card.version == 4
    assert [listed.number for listed in registry.versions("small")] == [n for n in (4, 3, 2, 1) if n != removed]


def test_numbers_continue_after_all_versions_are_removed(registry: Registry) -> None:
    for _ in range(2):
        publish(registry)
        registry.remove(registry.find("small"))
    assert registry.versions() == []
    saved = publish(registry)
    assert (saved.card.version, saved.card.sequence) == (3, 3)


def test_a_lost_sequence_continues_from_the_highest_in_use(registry: Registry) -> None:
    for name in ("a", "b", "c"):
        publish(registry, name)
    (registry.root / ".sequence").unlink()
    assert publish(registry, "a").card.sequence == 4
    (registry.root / ".sequence").write_text("not a number")
    assert publish(registry, "b").card.sequence == 5
    assert registry.find("latest").reference == "b@2"


# aliases


def test_an_alias_moves_and_its_history_is_recorded(registry: Registry) -> None:
    publish(registry)
    publish(registry)
    for number in (1, 2):
        registry.set_alias(registry.find(f"small@{number}"), "best")
        assert registry.find("small@best").number == number
    assert registry.find("small@1").aliases == ()
    registry.set_alias(registry.find("small@2"), "in_use")
    assert registry.find("small@2").aliases == ("best", "in_use")
    registry.remove_alias("small", "best")
    with pytest.raises(ModelError, match="small has no alias best"):
        registry.find("small@best")
    history = Index.read(registry.root / "small").history
    assert [(move.alias, move.version) for move in history] == [
        ("best", 1),
        ("best", 2),
        ("in_use", 2),
        ("best", None),
    ]
    assert sorted(move.time for move in history) == [move.time for move in history]


def test_an_alias_belongs_to_one_model(registry: Registry) -> None:
    publish(registry, "a")
    publish(registry, "b")
    registry.set_alias(registry.find("a"), "best")
    with pytest.raises(ModelError, match="b has no alias best"):
        registry.find("b@best")


def test_a_missing_alias_cannot_be_removed(registry: Registry) -> None:
    publish(registry)
    registry.set_alias(registry.find("small"), "best")
    with pytest.raises(ModelError, match="small has no alias bets") as fault:
        registry.remove_alias("small", "bets")
    assert fault.value.hint == "Did you mean best?"


@pytest.mark.parametrize("alias", ["latest", "LATEST", "3", "v3", "007", "con", "a/b", "a b", "", ".", "-x"])
def test_an_invalid_alias_is_refused(registry: Registry, alias: str) -> None:
    publish(registry)
    with pytest.raises(ModelError, match="alias"):
        registry.set_alias(registry.find("small"), alias)
    assert Index.read(registry.root / "small").aliases == {}


def test_a_removed_version_cannot_get_an_alias(registry: Registry) -> None:
    publish(registry)
    listed = registry.find("small")
    registry.remove(listed)
    with pytest.raises(ModelError):
        registry.set_alias(listed, "best")


# removal and evaluations


def test_a_version_with_an_alias_is_removed_only_with_force(registry: Registry) -> None:
    publish(registry)
    registry.set_alias(registry.find("small"), "best")
    with pytest.raises(ModelError, match="small@1 has the alias best") as fault:
        registry.remove(registry.find("small"))
    assert "`force=True`" in fault.value.hint
    assert is_whole(registry, "small@best")
    registry.remove(registry.find("small"), force=True)
    assert registry.versions() == []
    index = Index.read(registry.root / "small")
    assert index.aliases == {}
    assert [(move.alias, move.version) for move in index.history] == [("best", 1), ("best", None)]


def test_an_alias_set_after_listing_protects_too(registry: Registry) -> None:
    publish(registry)
    listed = registry.find("small")
    registry.set_alias(listed, "best")
    with pytest.raises(ModelError, match="alias"):
        registry.remove(listed)  # `listed` has no alias yet
    assert registry.find("small@best").number == 1


def test_a_removed_version_is_gone_from_the_disk(registry: Registry) -> None:
    publish(registry)
    folder = publish(registry).folder
    registry.remove(registry.find("small@2"))
    assert not folder.exists()
    assert references(registry) == ["small@1"]
    assert list((registry.root / ".staging").iterdir()) == []
    assert registry.unindexed() == []


def test_evaluations_are_stored_separately_and_removed_with_it(registry: Registry) -> None:
    one, two = publish(registry), publish(registry)
    first = registry.add_evaluation(one, "a" * 64, '{"accuracy": 1}')
    registry.add_evaluation(one, "b" * 64, '{"accuracy": 0.5}')
    kept = registry.add_evaluation(two, "a" * 64, "{}")
    assert first.parent == registry.root / "small" / "evaluations" / "1"
    assert first.name.startswith("a" * 16)
    assert json.loads(first.read_text()) == {"accuracy": 1}
    assert len(registry.evaluations(one)) == 2
    assert is_whole(registry, "small@1")
    registry.remove(registry.find("small@1"))
    assert not first.parent.exists()
    assert registry.evaluations(two) == [kept]


def test_a_later_evaluation_on_the_same_data_replaces_the_earlier(registry: Registry) -> None:
    version = publish(registry)
    assert registry.evaluations(version) == []
    registry.add_evaluation(version, "a" * 64, "1")
    path = registry.add_evaluation(version, "a" * 64, "2")
    assert registry.evaluations(version) == [path]
    assert path.read_text() == "2"


def test_a_registry_knows_its_own_versions(registry: Registry, tmp_path: Path) -> None:
    version = publish(registry)
    assert registry.holds(version)
    assert registry.holds(open_version(registry.root / "small" / ".." / "small" / "1"))
    assert not Registry(tmp_path / "other").holds(version)


def test_a_folder_in_no_index_is_unindexed(registry: Registry) -> None:
    version = publish(registry)
    registry.add_evaluation(version, "a" * 64, "{}")
    assert registry.unindexed() == []
    (registry.root / "small" / "9").mkdir()
    assert registry.unindexed() == [str(registry.root / "small" / "9")]
    assert references(registry) == ["small@1"]


def test_names_that_differ_only_in_case_are_refused(registry: Registry) -> None:
    """Some file systems would treat them as the same folder."""
    publish(registry, "small")
    with pytest.raises(ModelError, match="Small differs from the model small only in case"):
        publish(registry, "Small")
    assert registry.names() == ["small"]


def test_a_damaged_index_is_reported_and_the_other_models_are_listed(registry: Registry) -> None:
    publish(registry, "one")
    publish(registry, "two")
    (registry.root / "one/index.json").write_text("{")
    assert [listed.reference for listed in registry.versions()] == ["two@1"]
    assert registry.unindexed() == [str(registry.root / "one/index.json")]
