"""fp32 or bf16: what is asked for, and what is chosen where nobody asks."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from charcnn.registry.version import WEIGHTS_FILE
from charcnn.specs.choices import Precision
from charcnn.training.hardware import precision as module
from charcnn.training.hardware.precision import benchmark_steps, choose_precision, has_bf16_units
from charcnn.training.train import Trained

CPU = torch.device("cpu")


class Machine:
    """A processor with units for bf16 on which a step takes a given time. Counts the benchmarks."""

    def __init__(self, bf16: float = 1.0, fp32: float = 2.0, *, has_units: bool = True) -> None:
        self.seconds = {"bf16": bf16, "fp32": fp32}
        self.has_units = has_units
        self.benchmarks = 0

    def benchmark(self) -> dict[str, float]:
        self.benchmarks += 1
        return self.seconds

    def choose(self, asked: Precision = "auto", threads: int = 1) -> str:
        return choose_precision(asked, CPU, threads, has_units=lambda: self.has_units, benchmark=self.benchmark)


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_chosen_precision_is_taken_without_a_benchmark(asked: Precision) -> None:
    machine = Machine()
    assert machine.choose(asked) == asked
    assert machine.benchmarks == 0


def test_without_units_for_bf16_it_is_fp32() -> None:
    machine = Machine(has_units=False)
    assert machine.choose() == "fp32"
    assert machine.benchmarks == 0


def test_a_torch_that_cannot_tell_has_no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_bf16_units()
    assert choose_precision("auto", CPU, 1) == "fp32"


@pytest.mark.parametrize(("bf16", "fp32", "faster"), [(1.0, 2.0, "bf16"), (2.0, 1.0, "fp32")])
def test_the_faster_one_is_taken(bf16: float, fp32: float, faster: str) -> None:
    assert Machine(bf16, fp32).choose() == faster


def test_the_answer_is_kept_and_not_measured_again(world: Path) -> None:
    machine = Machine()
    assert [machine.choose() for _ in range(3)] == ["bf16"] * 3
    assert machine.benchmarks == 1
    assert [path.name for path in (world / ".cache").iterdir()] == ["precision-benchmark.json"]


def test_a_kept_answer_is_believed_even_if_it_would_now_be_another() -> None:
    """The same machine always trains in the same way."""
    assert Machine(bf16=1.0, fp32=2.0).choose() == "bf16"
    assert Machine(bf16=2.0, fp32=1.0).choose() == "bf16"


def test_each_number_of_threads_is_measured_once_and_kept() -> None:
    machine = Machine()
    for threads in (1, 2, 1, 2):
        machine.choose(threads=threads)
    assert machine.benchmarks == 2


def test_another_processor_is_measured_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    machine.choose()
    monkeypatch.setattr(module, "processor_name", lambda: "another")
    machine.choose()
    assert machine.benchmarks == 2


def test_where_nothing_can_be_kept_it_is_fp32(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two trainings on one machine could differ."""
    (world / "file").touch()
    monkeypatch.setenv("CHARCNN_CACHE", str(world / "file"))
    assert Machine().choose() == "fp32"


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xfe", b"{"])
def test_a_damaged_answer_is_measured_again(world: Path, content: bytes) -> None:
    (world / ".cache").mkdir()
    (world / ".cache/precision-benchmark.json").write_bytes(content)
    machine = Machine()
    assert [machine.choose() for _ in range(2)] == ["bf16"] * 2
    assert machine.benchmarks == 1


@pytest.mark.parametrize(("bf16", "fp32"), [(1.0, 1.05), (1.05, 1.0), (1.0, 1.0)])
def test_an_unclear_result_is_fp32_and_not_kept(bf16: float, fp32: float) -> None:
    machine = Machine(bf16, fp32)
    assert [machine.choose(), machine.choose()] == ["fp32", "fp32"]
    assert machine.benchmarks == 2
    machine.seconds = {"bf16": 1.0, "fp32": 2.0}
    assert machine.choose() == "bf16"


def test_precisions_take_turns_so_that_other_work_slows_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first half of the benchmark runs ten times as slowly as the second, on a clock that is made up."""
    calls = 0

    def perf_counter() -> float:
        nonlocal calls
        calls += 1
        return min(calls, 16) * 10.0 + max(calls - 16, 0)

    monkeypatch.setattr("charcnn.training.hardware.precision.time.perf_counter", perf_counter)
    assert benchmark_steps() == {"fp32": 1.0, "bf16": 1.0}


def test_a_real_benchmark_takes_time_and_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    assert min(benchmark_steps().values()) > 0
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


def test_auto_is_recorded_as_what_was_chosen(draw: Callable[..., Path], run: Callable[..., Trained]) -> None:
    card = run(draw("small"), precision="auto", threads=1).version.card
    chosen = choose_precision("auto", CPU, 1)  # the answer that was kept
    assert (card.training.config.precision, card.environment.precision) == (chosen, chosen)
