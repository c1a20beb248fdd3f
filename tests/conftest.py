"""What tests share: a world of their own, a small starter set, a model of it, the real images where they are."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

SHARED = Path(__file__).parents[2] / "shared" / "data"

# Before torch is loaded: the work of tests is small, and the threads of several workers would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Let Ctrl-C through: a shell starts background jobs, and all that they start, with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An empty working folder; no data root, registry or cache but those below it."""
    for name in ("CHARCNN_DATA", "CHARCNN_REGISTRY", "CHARCNN_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHARCNN_CACHE", str(tmp_path / ".cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """charcnn reads and predicts in four threads, however many cores there are."""
    monkeypatch.setenv("OMP_NUM_THREADS", "4")


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small starter set, neat, to read and not to change: train 12 × 20, test 12 × 5, ttest 120."""
    from charcnn.datasets.generate.synth import synth
    from charcnn.handwriting.style import WritingStyle

    root = tmp_path_factory.mktemp("starter") / "data"
    return synth(root=root, per_class=20, test_per_class=5, style=WritingStyle("neat"))


@pytest.fixture(scope="session")
def trained(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry, to read and not to change, with a model of the small starter set: small12@1, 16 epochs of cnn."""
    from charcnn.registry.store import Registry
    from charcnn.specs.train_config import TrainConfig
    from charcnn.training.train import train

    root = tmp_path_factory.mktemp("trained") / "registry"
    data = (str(starter / "train"),)
    config = TrainConfig(data=data, net="cnn", epochs=16, batch_size=16, name="small12", fit="stretch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARCNN_CACHE", str(root.parent / ".cache"))
        train(config, registry=Registry(root))
    return root


@pytest.fixture
def cli() -> Iterator[Callable[..., Result]]:
    """Run `charcnn ARGS…` in this process; return exit code, stdout and stderr."""
    from charcnn.cli.app import make_app
    from charcnn.cli.output import reset

    runner = CliRunner()

    def run(*arguments: object, stdin: bytes | str | None = None) -> Result:
        words = [str(argument) for argument in arguments]
        return runner.invoke(make_app(words), words, input=stdin)

    yield run
    reset()


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_dir():
        pytest.skip(f"no real images: {name} is not in ../shared/data")
    return path


@pytest.fixture
def fudan12() -> Path:
    """The lab's real images: train/1 … 12, 620 each, 28 × 28, 1-bit BMP; classes.txt."""
    return _shared("fudan12")


@pytest.fixture
def casia20() -> Path:
    """20 look-alike characters, grey PNG of any size: train and test."""
    return _shared("casia20")


@pytest.fixture
def mnist() -> Path:
    """MNIST's four idx files."""
    return _shared("mnist")
