"""Training leaves cores to other programs: with fewer threads, and only while they are busy."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import psutil
import pytest
import torch

import charcnn
from charcnn.training import fit
from charcnn.training.callbacks import Batch
from charcnn.training.context import make_context
from charcnn.training.hardware import core_sharing as module
from charcnn.training.hardware.core_sharing import CoreSharing, other_cpu_seconds
from charcnn.training.hardware.distributed import ProcessGroup
from charcnn.training.prepare import load_training_data

BATCH = Batch(epoch=1, number=1, count=1, images=1, lr=0.1)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Machine:
    """A clock, and other programs that keep some of the cores busy."""

    def __init__(self, threads: int = 2, cores: int = 2) -> None:
        self.now = self.used = 0.0
        torch.set_num_threads(threads)
        self.sharing = CoreSharing(threads, cores, measure=lambda: self.used, clock=lambda: self.now)
        self.sharing.on_train_begin(None, None, 0)  # type: ignore[arg-type]

    def train(self, busy: float, seconds: float = 2.0) -> int:
        """Take steps of 0.1 s beside programs that keep some cores busy, and return the number of threads."""
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.used += busy * 0.1
            self.sharing.on_batch_begin(BATCH)
        return torch.get_num_threads()


@pytest.mark.parametrize(
    ("threads", "cores", "busy", "expected"),
    [
        (2, 2, 0.0, 2),
        (2, 2, 0.3, 2),
        (2, 2, 1.0, 1),
        (2, 2, 2.0, 1),
        (4, 4, 1.0, 3),
        (4, 4, 2.6, 1),
        (4, 8, 3.0, 4),
        (4, 8, 6.0, 2),
        (1, 2, 1.0, 1),
    ],
)
def test_threads_are_as_many_as_cores_are_free(threads: int, cores: int, busy: float, expected: int) -> None:
    machine = Machine(threads, cores)
    assert machine.train(busy, seconds=5) == expected
    assert machine.sharing.fewest == expected


def test_threads_return_when_the_others_are_done() -> None:
    machine = Machine()
    assert [machine.train(busy, seconds=3) for busy in (0, 1, 0, 1, 0)] == [2, 1, 2, 1, 2]
    assert machine.sharing.fewest == 1


def test_a_short_burst_of_other_work_changes_nothing() -> None:
    machine = Machine()
    for _ in range(5):
        assert machine.train(1.5, seconds=0.9) == 2
        assert machine.train(0, seconds=2.1) == 2
    assert machine.sharing.fewest == 2


def test_load_around_the_limit_does_not_make_the_number_of_threads_flap() -> None:
    machine = Machine()
    machine.train(0.7, seconds=4)
    counts = [machine.train(busy, seconds=1) for busy in (0.5, 0.45, 0.55, 0.5, 0.59, 0.41) * 3]
    assert set(counts) == {1}


def test_a_change_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "charcnn")
    machine = Machine()
    for busy in (1, 0, 1, 0):
        machine.train(busy, seconds=3)
    assert [record.message for record in caplog.records] == [
        "Other programs keep cores busy: training with fewer threads (1 instead of 2) while they do."
    ]


class Times(NamedTuple):
    user: float
    nice: float
    system: float
    idle: float


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that the system tells these CPU times of each CPU, and of this process."""

    def pretend(cpus: list[Times], own: Times, usable: set[int], priority: int = 0) -> None:
        monkeypatch.setattr(psutil, "cpu_times", lambda percpu: cpus)
        monkeypatch.setattr(psutil.Process, "cpu_times", lambda _: own)
        monkeypatch.setattr(module, "usable_cpus", lambda: usable)
        monkeypatch.setattr(os, "nice", lambda _: priority, raising=False)

    return pretend


def test_cpu_time_of_others_is_that_of_all_less_ones_own(system: Callable[..., None]) -> None:
    cpus = [Times(30, 5, 4, 1), Times(20, 7, 2, 9)]
    own = Times(user=11, nice=0, system=3, idle=0)
    system(cpus, own, {0, 1})
    assert other_cpu_seconds() == 30 + 4 + 20 + 2 - 11 - 3
    system(cpus, own, {1})
    assert other_cpu_seconds() == 20 + 2 - 11 - 3
    system(cpus, own, {0, 1}, priority=10)  # this process yields to others, and niced ones are its equals
    assert other_cpu_seconds() == 30 + 5 + 4 + 20 + 7 + 2 - 11 - 3
    system(cpus, own, {0, 7})  # CPUs 1 to 6 are offline
    assert other_cpu_seconds() == 30 + 4 + 20 + 2 - 11 - 3


def test_the_real_system_tells_cpu_times() -> None:
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    before = other_cpu_seconds()
    subprocess.run([sys.executable, "-c", spin], check=True)
    assert other_cpu_seconds() - before > 0.2


@pytest.mark.parametrize("error", [PermissionError(13, "no"), psutil.AccessDenied()])
def test_where_cpu_times_cannot_be_read_threads_stay_as_they_are(error: Exception) -> None:
    def refuse() -> float:
        raise error

    seconds = count()
    sharing = CoreSharing(2, 2, measure=refuse, clock=lambda: float(next(seconds)))
    sharing.on_train_begin(None, None, 0)  # type: ignore[arg-type]
    for _ in range(5):
        sharing.on_batch_begin(BATCH)
    assert sharing.fewest == 2


def test_cpu_times_that_cannot_be_read_any_more_do_not_end_the_training() -> None:
    machine = Machine()
    machine.train(0)
    machine.used = float("nan")
    assert machine.train(1) == 2

    def refuse() -> float:
        raise PermissionError(13, "no")

    machine.sharing._measure = refuse
    assert machine.train(1) == 2


ARRAYS = (np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8), [str(i % 2) for i in range(64)])


def train(**settings: Any) -> charcnn.ModelCard:
    config = charcnn.TrainConfig(net="lenet", epochs=1, name="shared", **settings)
    return charcnn.train(config, data=ARRAYS).version.card


@pytest.mark.parametrize(
    ("settings", "environment", "shares"),
    [
        ({}, None, True),
        ({"threads": 2}, None, False),
        ({"share_cores": False}, None, False),
        ({"threads": 2, "share_cores": True}, None, True),
        ({}, "2", False),
    ],
)
def test_cores_are_shared_unless_the_number_of_threads_was_set(
    world: object,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    environment: str | None,
    shares: bool,
) -> None:
    if environment:
        monkeypatch.setenv("OMP_NUM_THREADS", environment)
    else:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    card = train(**settings)
    assert card.training.config.share_cores is shares
    assert shares or card.environment.fewest_threads == card.environment.threads


def test_fewer_threads_are_recorded_in_the_card(world: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second of this clock, both of two cores were busy with other work."""
    seconds, used = count(), count(step=2)

    def sharing(threads: int, _cores: int) -> CoreSharing:
        return CoreSharing(threads, 2, measure=lambda: float(next(used)), clock=lambda: float(next(seconds)))

    monkeypatch.setattr(fit, "CoreSharing", sharing)
    card = train(threads=2, share_cores=True, batch_size=4)
    assert (card.environment.threads, card.environment.fewest_threads) == (2, 1)


def test_a_compiled_network_keeps_its_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be compiled again for each number."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    data = load_training_data(charcnn.TrainConfig(), (32,), ARRAYS)
    for compiled in (False, True):
        config = charcnn.TrainConfig(net="lenet", compile=compiled)
        assert make_context(config, data).config.share_cores is not compiled


def test_processes_that_train_together_do_not_share_cores_with_each_other() -> None:
    data = load_training_data(charcnn.TrainConfig(), (32,), ARRAYS)
    group = ProcessGroup(rank=1, size=2)
    config = charcnn.TrainConfig(net="lenet", share_cores=True, precision="fp32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProcessGroup, "from_leader", lambda _, number: number)
        assert make_context(config, data, group=group).config.share_cores is False


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")],
)
def test_idle_threads_sleep_soon_unless_the_user_decided(variables: dict[str, str], expected: str) -> None:
    """Set before torch is loaded, in a process of its own."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    script = "import os, sys; import charcnn.training; print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment | variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", expected]
