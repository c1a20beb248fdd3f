"""fp32 or bf16: what is asked for, and what is chosen where nobody asks."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from charcnn.registry.version import WEIGHTS_FILE
from charcnn.specs.choices import Precision
from charcnn.training.hardware import precision as module
from charcnn.training.hardware.precision import choose_precision
from charcnn.training.train import Trained

CPU = torch.device("cpu")


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The processor has units for bf16, and is faster in it; each trial is noted."""
    tried: list[str] = []

    def seconds(precision: str) -> float:
        tried.append(precision)
        return {"bf16": 1.0, "fp32": 2.0}[precision]

    module._is_faster_here.cache_clear()
    monkeypatch.setattr(module, "_has_units", lambda: True)
    monkeypatch.setattr(module, "_seconds", seconds)
    return tried


def another_process() -> None:
    module._is_faster_here.cache_clear()


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_what_is_asked_for_is_taken_without_a_trial(asked: Precision, trials: list[str]) -> None:
    assert choose_precision(asked, CPU, 1) == asked
    assert trials == []


def test_without_units_it_is_fp32(trials: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_units", lambda: False)
    assert choose_precision("auto", CPU, 1) == "fp32"
    assert trials == []


def test_a_torch_that_cannot_tell_has_no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("auto", CPU, 1) == "fp32"


@pytest.mark.parametrize(("bf16", "fp32", "faster"), [(1.0, 2.0, "bf16"), (2.0, 1.0, "fp32")])
def test_the_faster_one_is_taken(
    trials: list[str], monkeypatch: pytest.MonkeyPatch, bf16: float, fp32: float, faster: str
) -> None:
    monkeypatch.setattr(module, "_seconds", {"bf16": bf16, "fp32": fp32}.__getitem__)
    assert choose_precision("auto", CPU, 1) == faster


def test_the_answer_is_kept_and_not_asked_for_again(trials: list[str], world: Path) -> None:
    for _ in range(3):
        another_process()
        assert choose_precision("auto", CPU, 1) == "bf16"
    assert sorted(trials) == ["bf16", "fp32"]
    assert [path.name for path in (world / ".cache").iterdir()] == ["precision.json"]


def test_a_kept_answer_is_believed_even_if_it_would_now_be_another(
    trials: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same machine always trains in the same way."""
    choose_precision("auto", CPU, 1)
    another_process()
    monkeypatch.setattr(module, "_seconds", {"bf16": 2.0, "fp32": 1.0}.__getitem__)
    assert choose_precision("auto", CPU, 1) == "bf16"


def test_another_number_of_threads_is_tried_anew_and_both_are_kept(trials: list[str]) -> None:
    for threads in (1, 2, 1, 2):
        another_process()
        choose_precision("auto", CPU, threads)
    assert len(trials) == 4


def test_another_processor_is_tried_anew(trials: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    choose_precision("auto", CPU, 1)
    another_process()
    monkeypatch.setattr(module, "processor_name", lambda: "another")
    choose_precision("auto", CPU, 1)
    assert len(trials) == 4


def test_where_nothing_can_be_kept_it_is_fp32(trials: list[str], world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two trainings on one machine could differ."""
    (world / "file").touch()
    monkeypatch.setenv("CHARCNN_CACHE", str(world / "file"))
    assert choose_precision("auto", CPU, 1) == "fp32"


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xfe", b"{"])
def test_a_damaged_answer_is_asked_for_again(trials: list[str], world: Path, content: bytes) -> None:
    (world / ".cache").mkdir()
    (world / ".cache/precision.json").write_bytes(content)
    for _ in range(2):
        another_process()
        assert choose_precision("auto", CPU, 1) == "bf16"
    assert len(trials) == 2


def test_a_real_trial_takes_time_and_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    assert module._seconds("fp32") > 0
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("net", ["compact", "lenet"])
def test_bf16_learns_the_same_twice_and_says_so(
    draw: Callable[..., Path], run: Callable[..., Trained], net: str
) -> None:
    data = draw("small")
    one, same = (run(data, net=net, precision="bf16", epochs=2) for _ in range(2))
    card = one.version.card
    assert (card.training.config.precision, card.environment.precision) == ("bf16", "bf16")
    assert card.files[WEIGHTS_FILE] == same.version.card.files[WEIGHTS_FILE]
    assert all(math.isfinite(value) for record in one.history for value in record if value is not None)
    other = run(data, net=net, precision="fp32", epochs=2).version.card
    assert (other.training.config.precision, other.environment.precision) == ("fp32", "fp32")
    assert other.files[WEIGHTS_FILE] != card.files[WEIGHTS_FILE]


def test_bf16_learns_nearly_what_fp32_learns(draw: Callable[..., Path], run: Callable[..., Trained]) -> None:
    data = draw("small")
    short, long = (run(data, precision=kind, epochs=2, val_split=0).history for kind in ("bf16", "fp32"))
    assert [record.loss for record in short] == pytest.approx([record.loss for record in long], rel=0.05)


def test_auto_is_settled_in_the_card(draw: Callable[..., Path], run: Callable[..., Trained], trials: list[str]) -> None:
    card = run(draw("small"), precision="auto").version.card
    assert (card.training.config.precision, card.environment.precision) == ("bf16", "bf16")
