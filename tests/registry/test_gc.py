"""Leftovers of interrupted processes are removed; files in use and resumable runs are not."""

import os
from pathlib import Path

import pytest

from charcnn.registry.gc import find_orphans, remove_orphans
from charcnn.registry.index import Index
from charcnn.registry.runs import Run, RunFacts, create_run
from charcnn.registry.store import Registry
from charcnn.specs.train_config import TrainSettings
from tests.support.cards import draft, is_whole, publish


def everything(registry: Registry) -> set[Path]:
    return {path for path in registry.root.rglob("*") if path.name != ".lock"}


def test_an_intact_registry_has_no_orphans(registry: Registry) -> None:
    assert find_orphans(registry) == []  # a missing registry has none either, and is not created
    assert not registry.root.exists()
    registry.set_alias(registry.find(publish(registry).card.reference), "best")
    registry.add_evaluation(registry.open("small"), "a" * 64, "{}")
    before = everything(registry)
    assert remove_orphans(registry) == []
    assert everything(registry) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_leftovers_of_a_killed_process_are_removed(registry: Registry) -> None:
    publish(registry)
    before = everything(registry)
    child = os.fork()
    if child == 0:
        staged = registry.staging()
        folder = staged.__enter__()
        (folder / "model.onnx").write_bytes(b"half" * 1000)
        os._exit(9)
    os.waitpid(child, 0)
    for folder in (registry.root, registry.root / "small"):
        (folder / f".index.json.{'0123456789abcdef' * 2}").write_text("{")
    (registry.root / "empty").mkdir()
    told = find_orphans(registry)
    assert sorted(left.what for left in told) == [
        "model without versions",
        "unfinished file",
        "unfinished file",
        "unfinished version",
    ]
    assert max(left.size for left in told) >= 4000
    assert all(left.path.exists() for left in told)  # only reported
    assert remove_orphans(registry) == told
    assert everything(registry) == before
    assert is_whole(registry, "small")


def test_files_that_are_being_written_are_kept(registry: Registry) -> None:
    with registry.staging() as folder:
        (folder / "model.onnx").write_bytes(b"half")
        just_begun = registry.root / ".staging/tmpnew"
        just_begun.mkdir()
        assert remove_orphans(registry) == []
        assert (folder / "model.onnx").exists()
        assert just_begun.exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_half_added_version_is_kept_if_its_folder_exists(registry: Registry, there: bool) -> None:
    version = publish(registry)
    publish(registry)
    model = registry.root / "small"
    index = Index.read(model)
    index.with_entry(1, index.versions[1].model_copy(update={"settled": False})).write(model)
    if not there:
        version.folder.rename(registry.root.parent / "gone")
    assert [left.what for left in remove_orphans(registry)] == ["entry of a version that was being added or removed"]
    assert sorted(Index.read(model).versions) == ([1, 2] if there else [2])
    assert find_orphans(registry) == []
    assert publish(registry).card.version == 3


def test_links_are_not_followed(registry: Registry, tmp_path: Path) -> None:
    publish(registry)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / f".a.{'0' * 32}").write_text("mine")
    (registry.root / ".staging/link").symlink_to(precious)
    (registry.root / "model").symlink_to(precious)
    remove_orphans(registry)
    assert (precious / f".a.{'0' * 32}").read_text() == "mine"


def test_resumable_runs_are_kept(registry: Registry) -> None:
    publish(registry)
    facts = RunFacts(created=draft().created, config=TrainSettings(), command="", data="0" * 64, processes=1)
    run = create_run(registry.root, "small")
    run.write_facts(facts)
    run.write_checkpoint(b"checkpoint")
    (run.folder / f".checkpoint.safetensors.{'0' * 32}").write_bytes(b"half")
    assert [left.path.parent for left in remove_orphans(registry)] == [run.folder]
    assert Run(run.folder).read_facts() == facts
    assert run.checkpoint_file.read_bytes() == b"checkpoint"


def test_a_run_that_never_started_is_removed(registry: Registry) -> None:
    publish(registry)
    run = create_run(registry.root, "small")
    assert find_orphans(registry) == []  # a process may have just created it
    os.utime(run.folder, (0, 0))
    assert [(left.path, left.what) for left in find_orphans(registry)] == [(run.folder, "run that never started")]
    with run.lock():
        assert find_orphans(registry) == []
    assert [left.path for left in remove_orphans(registry)] == [run.folder]
    assert not run.folder.exists()


def test_a_run_that_is_being_trained_is_not_removed(registry: Registry) -> None:
    run = create_run(registry.root, "small")
    with run.lock():
        assert not run.remove_if_free()
        assert run.folder.is_dir()
    assert run.remove_if_free()
    assert not run.folder.exists()
