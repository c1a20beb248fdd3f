"""Fill a registry with cards and versions, without training. Also imported by subprocesses of tests."""

from datetime import UTC, datetime

from charcnn.registry.store import Registry
from charcnn.registry.version import HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE, Version
from charcnn.specs.card import DataFacts, Environment, ModelCard, NetworkFacts, Scores, TrainingFacts
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import TrainConfig
from charcnn.specs.version_kind import VersionKind

FILES = (WEIGHTS_FILE, ONNX_FILE, HISTORY_FILE)


def draft(name: str = "small", kind: VersionKind = "trained") -> ModelCard:
    """Return a draft of a card, as `train` does: version, sequence and files are not set yet."""
    return ModelCard(
        name=name,
        version=0,
        sequence=0,
        kind=kind,
        created=datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC),
        labels=("博", "学", "笃"),
        image=ImageSpec(),
        network=NetworkFacts(name="cnn", options={"activation": "relu", "batch_norm": True}, parameters=1234),
        data=DataFacts(
            sources=("train",),
            fingerprint="0" * 64,
            images=6,
            per_class={"博": 2, "学": 2, "笃": 2},
            duplicates=0,
            polarity=("dark-on-light",),
            train=4,
            val=2,
        ),
        training=TrainingFacts(
            config=TrainConfig(),
            command="charcnn train",
            epochs=9,
            best_epoch=7,
            metric="val_accuracy, highest",
            seconds=12.5,
            images_per_second=2600.0,
        ),
        validation=Scores(loss=0.25, accuracy=0.75),
        environment=Environment(
            python="3.11", platform="Linux", processor="one", device="cpu", threads=2, precision="fp32", libraries={}
        ),
    )


def publish(registry: Registry, name: str = "small", kind: VersionKind = "trained") -> Version:
    """Publish a version of three small files."""
    with registry.staging() as folder:
        for file in FILES:
            (folder / file).write_bytes(f"{name}: {file}\n".encode() * 40)
        return registry.publish(folder, draft(name, kind))


def is_whole(registry: Registry, reference: str) -> bool:
    """Return whether a version can be opened and its files are unchanged."""
    version = registry.open(reference)
    return set(version.card.files) == set(FILES) and registry.problems(registry.find(reference)) == []


def scratch_files(registry: Registry) -> list[str]:
    """Return temporary files, which must not exist after a write: partial files, and the content of staging."""
    inner = (path for path in registry.root.rglob("*") if path.is_file())
    names = [path.relative_to(registry.root) for path in inner]
    known = {".lock", ".sequence"}
    return [str(name) for name in names if any(part.startswith(".") for part in name.parts) and str(name) not in known]
