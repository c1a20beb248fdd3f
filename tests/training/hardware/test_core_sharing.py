"""Training leaves cores to other programs: with fewer threads, and only while they are busy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import charcnn
from charcnn.registry.version import WEIGHTS_FILE
from charcnn.training.callbacks import Batch
from charcnn.training.hardware.core_sharing import CoreSharing, other_cpu_seconds

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


def test_cpu_time_of_others_is_measured_and_ones_own_is_not() -> None:
    """Another process computes for 0.5 s of CPU time, then this one."""
    spin = "import time\nwhile time.process_time() < 0.5: pass"
    before = other_cpu_seconds()
    subprocess.run([sys.executable, "-c", spin], check=True)
    assert other_cpu_seconds() - before > 0.4
    own = sum(os.times()[:2])
    before = other_cpu_seconds()
    busy_elsewhere = 0.0
    while sum(os.times()[:2]) - own < 0.5:
        busy_elsewhere = other_cpu_seconds() - before
    assert busy_elsewhere < (os.cpu_count() or 1) * 0.6 + 5  # other tests may run, but never this process


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
    assert card.environment.fewest_threads is not None
    assert card.environment.fewest_threads <= card.environment.threads


def test_fewer_threads_are_recorded_in_the_card(world: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second of this machine's clock, both cores were busy with other work."""
    seconds = iter(range(10_000))
    monkeypatch.setattr(
        CoreSharing.__init__, "__defaults__", (lambda: 2.0 * next(seconds), lambda: float(next(seconds)))
    )
    card = train(threads=2, share_cores=True, batch_size=4)
    assert (card.environment.threads, card.environment.fewest_threads) == (2, 1)
    assert card.files[WEIGHTS_FILE]


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
