"""How many threads compute, and that nothing of the process is left changed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from charcnn import machine as module
from charcnn.errors import TrainingError
from charcnn.machine import usable_cores
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.hardware.device import compute_settings
from charcnn.training.step import StepResult
from charcnn.training.train import Trained


@pytest.fixture
def machine(world: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretends to be on a machine: so many logical processors, so many to a core, a container's `cpu.max`."""
    root = world / "root"

    def pretend(logical: int, to_a_core: int = 1, cpu_max: str | None = None) -> None:
        cpus = root / "sys/devices/system/cpu"
        for cpu in range(logical):
            first = cpu - cpu % to_a_core
            (cpus / f"cpu{cpu}/topology").mkdir(parents=True)
            text = f"{first}-{first + to_a_core - 1}" if to_a_core > 1 else str(cpu)
            (cpus / f"cpu{cpu}/topology/thread_siblings_list").write_text(f"{text}\n")
        if cpu_max is not None:
            (root / "sys/fs/cgroup").mkdir(parents=True)
            (root / "sys/fs/cgroup/cpu.max").write_text(cpu_max)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(logical)), raising=False)

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(module, "Path", lambda name: root / str(name).lstrip("/"))
    return pretend


@pytest.mark.parametrize(("logical", "to_a_core", "cores"), [(1, 1, 1), (4, 1, 4), (4, 2, 2), (8, 4, 2), (3, 1, 3)])
def test_cores_are_counted_not_hyperthreads(
    machine: Callable[..., None], logical: int, to_a_core: int, cores: int
) -> None:
    machine(logical, to_a_core)
    assert usable_cores() == cores


def test_on_a_very_large_machine_not_all_are_taken(machine: Callable[..., None]) -> None:
    machine(128)
    assert 1 < usable_cores() < 128


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("25000 50000\n", 1),
    ],
)
def test_a_containers_share_is_respected(machine: Callable[..., None], cpu_max: str, cores: int) -> None:
    machine(8, cpu_max=cpu_max)
    assert usable_cores() == cores


def test_the_processors_that_the_process_may_use_are_counted(
    machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5}, raising=False)
    assert usable_cores() == 2


def test_a_system_without_affinity_and_without_sys_counts_processors(
    machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for count, expected in ((3, 3), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert usable_cores() == expected


@pytest.mark.parametrize("asked", ["1", "3", "40"])
def test_omp_num_threads_goes_before(machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    machine(4)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert usable_cores() == int(asked)


@pytest.mark.parametrize("asked", ["", "0", "-2", "many", "2.5", "4,2", "²", " "])
def test_omp_num_threads_that_is_no_number_of_threads_is_ignored(
    machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    machine(4)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert usable_cores() == 4


def test_this_machine_has_a_usable_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


# while it computes, and afterwards


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


class Counts(Callback):
    """Notes the threads that compute."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.threads.add(torch.get_num_threads())


def test_threads_are_those_asked_for_and_put_back(
    draw: Callable[..., Path], run: Callable[..., Trained], three_threads: None
) -> None:
    counts = Counts()
    card = run(draw("small"), counts, threads=2).version.card
    assert counts.threads == {2}
    assert (card.environment.threads, card.training.config.threads) == (2, 2)
    assert torch.get_num_threads() == 3


def test_threads_nobody_asked_for_are_the_usable_cores(
    draw: Callable[..., Path], run: Callable[..., Trained], three_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    counts = Counts()
    assert run(draw("small"), counts).version.card.environment.threads == 2
    assert counts.threads == {2}
    assert torch.get_num_threads() == 3


def test_threads_are_put_back_after_a_failure_too(
    draw: Callable[..., Path], run: Callable[..., Trained], three_threads: None
) -> None:
    with pytest.raises(TrainingError):
        run(draw("small"), opt="gd", lr=1e38, threads=1)
    assert torch.get_num_threads() == 3


def test_denormals_are_flushed_only_while_training() -> None:
    tiny = torch.tensor([1e-30])
    with compute_settings(1):
        if (tiny * 1e-10).item() != 0:
            pytest.skip("this processor cannot")
    assert (tiny * 1e-10).item() != 0
