"""`kill -9` at random times while training and saving, and concurrent writers."""

import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from charcnn.registry.gc import find_orphans, remove_orphans
from charcnn.registry.runs import list_runs
from charcnn.registry.store import Registry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

SPAWN = multiprocessing.get_context("spawn")
KILLS = 100
WRITERS, SAVES = 16, 25


def train_once(data: Path, root: Path) -> None:
    from charcnn.specs.train_config import TrainConfig
    from charcnn.training.train import train

    settings = {"data": (str(data),), "net": "lenet", "epochs": 6, "name": "small", "threads": 1, "batch_size": 4}
    train(TrainConfig.parse(settings), registry=Registry(root))


def kill_again_and_again(data: Path, root: Path) -> None:
    """Train in forked processes that are killed at different times. The registry must remain valid each time."""
    import charcnn.training.train  # imported once, before the forks

    assert charcnn.training.train
    draw, longest, killed = random.Random(0), 0.0, 0
    while killed < KILLS:
        child, started = os.fork(), time.monotonic()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
            train_once(data, root)
            os._exit(0)
        if longest:
            time.sleep(draw.uniform(0, longest))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        longest = longest or time.monotonic() - started
        killed += os.WIFSIGNALED(status)
        registry = Registry(root)
        for listed in registry.versions():
            assert registry.problems(listed) == [], f"{listed.reference} after kill {killed}"
            assert registry.open(listed).card.training.epochs == 6
        assert registry.unindexed() == []


def test_a_hundred_kills_leave_a_whole_registry(tmp_path: Path) -> None:
    from charcnn.datasets.labels import CLASSES_FILE, write_classes
    from charcnn.handwriting.writer import write_character
    from charcnn.images.codec import write_image

    data, root = tmp_path / "data", tmp_path / "registry"
    for label in "自由":
        (data / label).mkdir(parents=True)
        for number, picture in enumerate(write_character(label, range(12), 28)):
            write_image(data / label / f"{number}.png", picture)
    write_classes(data / CLASSES_FILE, {label: label for label in "自由"})
    process = SPAWN.Process(target=kill_again_and_again, args=(data, root))
    process.start()
    process.join()
    assert process.exitcode == 0
    registry = Registry(root)
    assert remove_orphans(registry)  # some were killed while they saved
    assert find_orphans(registry) == []
    numbers = [listed.number for listed in registry.versions("small")]
    waiting = [run for run in list_runs(root) if not run.read_facts().finished]
    assert len(waiting) > 10  # some were killed while they trained
    train_once(data, root)
    assert [listed.number for listed in registry.versions("small")][1:] == numbers
    assert all(registry.problems(listed) == [] for listed in registry.versions())


def save_many(root: Path) -> None:
    from tests.support.cards import publish

    for _ in range(SAVES):
        publish(Registry(root))


def test_sixteen_processes_save_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    processes = [SPAWN.Process(target=save_many, args=(tmp_path,)) for _ in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    registry = Registry(tmp_path)
    listed = registry.versions("small")
    assert [version.number for version in listed] == list(range(WRITERS * SAVES, 0, -1))
    assert [version.entry.sequence for version in listed] == list(range(WRITERS * SAVES, 0, -1))
    assert all(registry.problems(version) == [] for version in listed)
    assert find_orphans(registry) == []
