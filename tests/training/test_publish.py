"""The model card records the model, its data, its training and the environment."""

import csv
import json
import math
import re
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from charcnn.registry.store import Registry
from charcnn.registry.version import CARD_FILE, HISTORY_FILE, ONNX_FILE, WEIGHTS_FILE, Version
from charcnn.specs.card import ModelCard
from charcnn.specs.toml import to_toml
from charcnn.specs.train_config import TrainConfig
from charcnn.storage.files import sha256_of
from charcnn.training.history import EpochRecord
from charcnn.training.train import train

CHARACTERS = tuple("博学笃志切问近思自由无用")


@pytest.fixture(scope="module")
def registry(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry with one model, three epochs of lenet. Tests must not change it."""
    root = tmp_path_factory.mktemp("card")
    config = TrainConfig(data=(str(starter / "train"),), net="lenet", epochs=3, batch_size=32, name="small12", seed=5)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CHARCNN_CACHE", str(root / ".cache"))
        train(config, registry=Registry(root / "registry"))
    return Registry(root / "registry")


@pytest.fixture
def version(registry: Registry) -> Version:
    return registry.open("small12@1")


def test_card_records_labels(version: Version) -> None:
    assert version.card.labels == CHARACTERS
    assert version.card.reference == "small12@1"
    assert (version.card.kind, version.card.sequence, version.card.parent) == ("trained", 1, None)
    assert timedelta() <= datetime.now(UTC) - version.card.created < timedelta(hours=1)


def test_card_records_data(version: Version, starter: Path) -> None:
    facts = version.card.data
    assert facts.sources == (str(starter / "train"),)
    assert facts.images == 240
    assert facts.per_class == dict.fromkeys(CHARACTERS, 20)
    assert (facts.train, facts.val) == (216, 24)
    assert facts.train + facts.val == facts.images
    assert (facts.unreadable, facts.duplicates, facts.val_source) == (0, 0, None)
    assert facts.polarity == ("dark-on-light",)
    assert re.fullmatch("[0-9a-f]{64}", facts.fingerprint)


def test_card_records_preprocessing(version: Version) -> None:
    image = version.card.image
    assert (image.height, image.width, image.fit) == (32, 32, "ink")


def test_card_records_network(version: Version) -> None:
    network = version.card.network
    assert network.name == "lenet"
    assert network.options == {"activation": "relu", "batch_norm": False, "dropout": 0.0}
    assert network.parameters == 26 * 6 + (150 + 1) * 16 + 401 * 120 + 121 * 84 + 85 * 12


def test_card_records_settings(version: Version) -> None:
    config = version.card.training.config
    assert (config.epochs, config.batch_size, config.lr, config.weight_decay) == (3, 32, 0.001, 0.0)
    assert (config.opt, config.seed, config.name, config.loss) == ("adam", 5, "small12", "ce")
    assert config.momentum is None  # Adam has none


def test_card_records_how_training_went(version: Version) -> None:
    facts = version.card.training
    assert facts.command == ""  # called from Python, without a command line
    assert facts.epochs == 3
    assert 1 <= facts.best_epoch <= 3
    assert facts.metric == "val_accuracy, highest"
    assert facts.seconds > 0
    assert facts.images_per_second > 0
    with version.file(HISTORY_FILE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == EpochRecord._fields
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    best = rows[facts.best_epoch - 1]
    assert version.card.validation is not None
    assert float(best["val_accuracy"]) == version.card.validation.accuracy
    assert float(best["val_loss"]) == version.card.validation.loss
    assert max(float(row["val_accuracy"]) for row in rows) == version.card.validation.accuracy


def test_card_records_environment(version: Version) -> None:
    environment = version.card.environment
    assert environment.python.split(".")[0] == "3"
    assert environment.device in ("cpu", "cuda", "mps")
    assert environment.precision in ("fp32", "bf16")
    assert environment.precision == version.card.training.config.precision
    assert environment.threads == version.card.training.config.threads
    assert environment.processes == 1
    assert environment.processor
    assert environment.platform
    assert set(environment.libraries) >= {"charcnn", "torch", "numpy", "onnxruntime"}


def test_card_records_files(version: Version, registry: Registry) -> None:
    assert set(version.card.files) == {WEIGHTS_FILE, ONNX_FILE, HISTORY_FILE}
    assert {path.name for path in version.folder.iterdir()} == {*version.card.files, CARD_FILE}
    assert all(sha256_of(version.folder / name) == digest for name, digest in version.card.files.items())
    assert registry.problems(registry.find("small12@1")) == []


def test_the_card_is_strict_json_that_gives_itself_back(version: Version) -> None:
    text = (version.folder / CARD_FILE).read_text(encoding="utf-8")

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(text, parse_constant=refuse)["labels"] == list(CHARACTERS)
    assert ModelCard.parse(text, "card") == version.card


def test_the_settings_in_the_card_can_be_asked_for(version: Version) -> None:
    config = version.card.training.config
    asked = TrainConfig.parse(asdict(config))
    assert asdict(TrainConfig.parse(tomllib.loads(to_toml(asked, asked)))) == asdict(config)


def test_a_default_training_decays_its_weights_by_the_recipes_rule(starter: Path, tmp_path: Path) -> None:
    """Learning rate × weight decay × steps is constant: docs/decisions/0002-compact.md."""
    config = TrainConfig(data=(str(starter / "train"),), epochs=20, batch_size=8, threads=1, precision="fp32")
    card = train(config, registry=Registry(tmp_path / "registry")).version.card
    steps = 20 * math.ceil(card.data.train / 8)
    assert card.training.config.weight_decay == pytest.approx(1.6 / (0.01 * steps))
