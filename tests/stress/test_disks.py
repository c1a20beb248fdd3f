"""Registries on a full disk and on a read-only disk."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from charcnn.registry.gc import find_orphans
from charcnn.registry.store import Registry

pytestmark = pytest.mark.slow

Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount a disk in memory. Skip the test if mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def tmpfs(options: str) -> Path:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode:
            pytest.skip("no right to mount a disk here")
        return folder

    yield tmpfs
    subprocess.run(["umount", folder], capture_output=True)


def charcnn(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "charcnn", *map(str, words)], capture_output=True, text=True, encoding="utf-8"
    )


def test_a_full_disk_is_reported_before_training(mount: Mount, starter: Path) -> None:
    disk = mount("size=1m")
    result = charcnn("train", "--data", starter / "train", "--registry", disk / "registry", "--epochs", "1")
    assert result.returncode == 1
    assert "No space left" in result.stderr
    assert "The disk is full" in result.stderr
    assert "1/1" not in result.stderr  # no epoch was trained
    assert Registry(disk / "registry").versions() == []
    assert find_orphans(Registry(disk / "registry")) == []


def test_a_disk_that_fills_up_while_saving_keeps_whole_versions(mount: Mount) -> None:
    from tests.support.cards import publish

    disk = mount("size=1m")
    registry, saved = Registry(disk / "registry"), 0
    filler = disk / "filler"
    filler.write_bytes(bytes(700_000))
    fault = ""
    while not fault:
        try:
            publish(registry)
            saved += 1
        except OSError as full:
            fault = str(full)
    assert "No space left" in fault
    assert saved > 3
    assert find_orphans(registry) == []
    assert [listed.number for listed in registry.versions()] == list(range(saved, 0, -1))
    assert all(registry.problems(listed) == [] for listed in registry.versions())
    filler.unlink()
    assert publish(registry).card.version > saved


def test_a_read_only_disk_is_reported(mount: Mount, starter: Path) -> None:
    disk = mount("ro,size=1m")
    result = charcnn("train", "--data", starter / "train", "--registry", disk / "registry", "--epochs", "1")
    assert result.returncode == 1
    assert "Read-only" in result.stderr
    assert "Choose a folder on another one" in result.stderr
    assert list(disk.iterdir()) == []
