"""After kills, full disks and concurrent writes, versions are complete or absent and the registry still works."""

import errno
import json
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from charcnn.errors import ModelError
from charcnn.registry.index import Index
from charcnn.registry.store import Registry
from tests.support.cards import FILES, draft, is_whole, publish, scratch_files

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

SPAWN = multiprocessing.get_context("spawn")


class Killed(BaseException):
    """An exception that no code catches."""


def assert_still_works(registry: Registry, expected: list[int]) -> None:
    """Check that listed versions are complete, no folder is unindexed, and another version can be saved."""
    assert [listed.number for listed in registry.versions("small")] == expected
    assert all(is_whole(registry, f"small@{number}") for number in expected)
    assert registry.unindexed() == []
    saved = publish(registry)
    assert saved.card.version > max(expected, default=0)
    assert is_whole(registry, "small")
    assert registry.find("latest").number == saved.card.version


def test_kill_between_index_and_rename_is_harmless(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(registry)

    def killed(self: Path, target: Path) -> None:
        assert not Index.read(registry.root / "small").versions[2].settled
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(Killed):
            publish(registry)
    assert Index.read(registry.root / "small").counter == 2
    with pytest.raises(ModelError, match="small has no version 2"):
        registry.find("small@2")
    assert_still_works(registry, [1])


def test_kill_while_removing_leaves_the_version(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(registry)
    publish(registry)

    def killed(self: Path, target: Path) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(Killed):
            registry.remove(registry.find("small@2"))
    registry.remove(registry.find("small@2"))  # it is there still, and can be removed
    assert_still_works(registry, [1])


def test_leftovers_of_a_killed_process_in_staging_are_harmless(registry: Registry) -> None:
    publish(registry)
    for name in ("tmpabc", "small", "1"):
        left = registry.root / ".staging" / name / "version"
        left.mkdir(parents=True)
        (left / "model.onnx").write_bytes(b"half")
        (left / "card.json").write_text(draft().model_dump_json())
        (left.parent / "index.json").write_text("{")
    (registry.root / "small" / ".index.json.0123").write_text("{")
    assert registry.names() == ["small"]
    assert_still_works(registry, [1])


def _die_at_write(step: int) -> None:
    """Kill this process, without any cleanup, when it waits for the disk for the `step`-th time."""
    left = iter(range(step - 1))

    def fsync(fd: "FileDescriptorLike") -> None:
        if next(left, None) is None:
            os._exit(9)

    os.fsync = fsync


def _die_at_every_step(root: Path) -> None:
    """Fork children that save a second version, each of which dies at a later write: at `root/1`, `root/2`, …."""
    for step in range(1, 40):
        registry = Registry(root / str(step))
        publish(registry)
        child = os.fork()
        if child == 0:
            _die_at_write(step)
            publish(registry)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_step_of_saving_leaves_complete_versions(tmp_path: Path) -> None:
    root = tmp_path / "steps"
    process = SPAWN.Process(target=_die_at_every_step, args=(root,))
    process.start()
    process.join()
    assert process.exitcode == 0
    steps = len(list(root.iterdir()))
    assert 8 < steps < 39  # it died at each write, and in the end did not
    seen = []
    for step in range(1, steps + 1):
        registry = Registry(root / str(step))
        numbers = [listed.number for listed in registry.versions()]
        assert numbers in ([1], [2, 1]), step
        seen.append(len(numbers))
        assert_still_works(registry, numbers)
    assert seen == sorted(seen)
    assert set(seen) == {1, 2}


def test_a_full_disk_at_any_step_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = []
    for step in range(1, 40):
        registry = Registry(tmp_path / str(step))
        publish(registry)
        left = iter(range(step - 1))

        def full(handle: int, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            try:
                publish(registry)
            except OSError as fault:
                faults.append(fault.errno)
        assert scratch_files(registry) == []
        assert_still_works(registry, [listed.number for listed in registry.versions()])
        if len(faults) < step:
            break
    assert 8 < len(faults) < 39  # it failed at each write, and in the end did not
    assert set(faults) == {errno.ENOSPC}


def test_a_full_disk_at_the_first_version_leaves_no_model(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)  # how every small file is put into its place
        with pytest.raises(OSError, match="No space left"):
            publish(registry)
    assert registry.versions() == []
    assert scratch_files(registry) == []
    with pytest.raises(ModelError):
        registry.find("small")
    assert_still_works(registry, [])


def test_a_full_disk_leaves_an_alias_unchanged(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(registry)
    publish(registry)
    registry.set_alias(registry.find("small@1"), "best")
    before = (registry.root / "small" / "index.json").read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            registry.set_alias(registry.find("small@2"), "best")
    assert (registry.root / "small" / "index.json").read_bytes() == before
    assert scratch_files(registry) == []


def test_a_root_that_is_a_file_raises_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("I was here first")
    registry = Registry(tmp_path / "registry")
    assert registry.versions() == []
    with pytest.raises(OSError, match="registry"):
        publish(registry)
    assert (tmp_path / "registry").read_text() == "I was here first"


def _publish_five(root: Path) -> None:
    registry = Registry(root)
    for _ in range(5):
        publish(registry)


def test_nothing_is_lost_if_four_processes_save_at_once(registry: Registry) -> None:
    processes = [SPAWN.Process(target=_publish_five, args=(registry.root,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    listed = registry.versions()
    assert [version.number for version in listed] == list(range(20, 0, -1))
    assert [version.entry.sequence for version in listed] == list(range(20, 0, -1))
    assert all(is_whole(registry, f"small@{number}") for number in range(1, 21))
    assert scratch_files(registry) == []
    index = json.loads((registry.root / "small" / "index.json").read_text())
    assert index["counter"] == 20
    assert all(set(version.card.files) == set(FILES) for version in map(registry.open, listed))
