"""The Python API: its names are a promise."""

import csv
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import charcnn
from charcnn import errors
from charcnn.errors import DatasetNotFoundError

PUBLIC = [
    "AugmentRanges",
    "AugmentResult",
    "Batch",
    "BundleError",
    "Callback",
    "CardError",
    "CharcnnError",
    "ClassScores",
    "ConfigError",
    "ConfusionMatrix",
    "DataFacts",
    "DatasetError",
    "DatasetIndex",
    "DatasetNotFoundError",
    "Environment",
    "EpochRecord",
    "Evaluation",
    "ExportError",
    "GlyphError",
    "Guess",
    "History",
    "ImageError",
    "ImageFacts",
    "ImageSpec",
    "IntegrityError",
    "LabeledImages",
    "MachineFacts",
    "MissingDependencyError",
    "ModelCard",
    "ModelError",
    "ModelFileError",
    "ModelNotFoundError",
    "NetworkFacts",
    "OverwriteError",
    "ParityError",
    "Prediction",
    "Predictor",
    "Reference",
    "Registry",
    "ResolvedConfig",
    "RunNotFoundError",
    "Scored",
    "Scores",
    "StepResult",
    "Strength",
    "TrainConfig",
    "TrainSettings",
    "Trained",
    "TrainingError",
    "TrainingFacts",
    "TrainingInterrupted",
    "UnknownLabelError",
    "UnknownNetworkError",
    "UnlabeledError",
    "Version",
    "VersionInfo",
    "WritingStyle",
    "__version__",
    "augment",
    "evaluate",
    "load",
    "load_network",
    "plain_layers",
    "register_network",
    "resolve_config",
    "resume",
    "score",
    "synth",
    "train",
    "train_step",
]


def test_public_names_are_these_and_each_resolves() -> None:
    assert sorted(charcnn.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(charcnn, name) is not None
    assert set(PUBLIC) <= set(dir(charcnn))


def test_every_exception_is_public() -> None:
    raised = [
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    assert [name for name in raised if name not in charcnn.__all__] == []


@pytest.mark.parametrize(
    "fault",
    [
        errors.CharcnnError("wrong", "mend it"),
        errors.ConfigError("must be above 0", field="lr", value=-1, known=["a"]),
        errors.UnknownNetworkError("lennet", ["lenet"]),
        errors.DatasetNotFoundError("x", [Path("data")], "y"),
        errors.UnlabeledError("x"),
        errors.UnknownLabelError(["a"], ["b"]),
        errors.ModelNotFoundError("none", name="x", known=["y"]),
        errors.ModelFileError(Path("x.onnx"), "is damaged."),
        errors.RunNotFoundError("none", name="x"),
        errors.MissingDependencyError("torch", "Training", ["torch>=2", "onnx>=1"]),
        errors.TrainingInterrupted("run"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_an_exception_of_another_process_arrives_with_its_data(fault: BaseException) -> None:
    arrived = pickle.loads(pickle.dumps(fault))
    assert (type(arrived), str(arrived), vars(arrived)) == (type(fault), str(fault), vars(fault))


def test_type_checkers_see_the_names_that_there_are() -> None:
    source = Path(charcnn.__file__).read_text(encoding="utf-8")
    assert {*re.findall(r"import \w+ as (\w+)", source), "load", "__version__"} == set(charcnn.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        charcnn.nosuch  # noqa: B018


def test_the_steps_of_the_readme_work(tmp_path: Path, trained: Path, starter: Path) -> None:
    model = charcnn.load("latest", charcnn.Registry(trained))
    with (starter / "ttest.csv").open(newline="", encoding="utf-8") as stream:
        truth = {row["file"]: row["label"] for row in csv.DictReader(stream)}
    read = {name: model.predict(starter / "ttest" / name) for name in truth}
    assert sum(read[name].label == label for name, label in truth.items()) > 0.8 * len(truth)
    assert all(0 < (prediction.probability or 0) <= 1 for prediction in read.values())
    assert model.predict(np.full((50, 40), 255, np.uint8)).label
    report = charcnn.evaluate(model, starter / "test", registry=charcnn.Registry(tmp_path / "registry"))
    assert report.images == 60
    assert charcnn.augment(starter / "ttest", tmp_path / "turned").copies == 120


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, charcnn; sys.exit(bool({'numpy', 'torch', 'cv2', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_library_never_writes_the_starter_set(tmp_path: Path, trained: Path) -> None:
    registry = charcnn.Registry(trained)
    with pytest.raises(DatasetNotFoundError, match="train"):
        charcnn.train(charcnn.TrainConfig(), registry=charcnn.Registry(tmp_path / "registry"))
    with pytest.raises(DatasetNotFoundError, match="test"):
        charcnn.evaluate("small12", "test", registry=registry)
    with pytest.raises(DatasetNotFoundError, match="ttest"):
        charcnn.augment("ttest", "tttest")
    assert not (tmp_path / "data").exists()
