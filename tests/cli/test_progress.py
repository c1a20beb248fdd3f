"""The bar of a training."""

import io
from typing import Any

import pytest
from rich.console import Console

from charcnn.cli import output
from charcnn.cli.progress import TrainingProgress
from charcnn.training.callbacks import Batch
from tests.support.configs import resolved

NOT_USED: Any = None


@pytest.mark.parametrize("first", [(1, 1), (3, 1), (3, 2)], ids=["new", "resumed", "resumed within an epoch"])
def test_the_bar_starts_at_the_first_epoch_and_reaches_its_end(
    monkeypatch: pytest.MonkeyPatch, first: tuple[int, int]
) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(output, "is_live", lambda: True)
    monkeypatch.setattr(output, "message_console", lambda: console)
    with TrainingProgress() as view:
        view.on_train_begin(resolved(epochs=4), NOT_USED, images=25)
        shares = []
        for epoch in range(first[0], 5):
            view.on_epoch_begin(epoch)
            (task,) = view._bar.tasks
            assert task.fields["epoch"] == f"{epoch}/4"
            assert task.percentage == 25 * (epoch - 1)
            for number in range(first[1] if epoch == first[0] else 1, 4):
                view.on_batch_end(Batch(epoch, number, 3, 9 if number < 3 else 7, 0.1), NOT_USED)
                shares.append(task.percentage)
    assert shares == sorted(shares)
    assert shares[-1] == 100
