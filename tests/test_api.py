"""The Python API: its names are a promise."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import charcnn
from charcnn.errors import DatasetNotFoundError

PUBLIC = [
    "AugmentRanges",
    "AugmentResult",
    "Evaluation",
    "ImageSpec",
    "ModelCard",
    "Prediction",
    "Predictor",
    "Registry",
    "TrainConfig",
    "Trained",
    "WritingStyle",
    "__version__",
    "augment",
    "evaluate",
    "load",
    "resume",
    "synth",
    "train",
]


def test_public_names_are_these_and_each_resolves() -> None:
    assert sorted(charcnn.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(charcnn, name) is not None
    assert dir(charcnn) == charcnn.__all__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        charcnn.nosuch  # noqa: B018


def test_readme_example(tmp_path: Path, trained: Path, starter: Path) -> None:
    model = charcnn.load("latest", charcnn.Registry(trained))
    prediction = model.predict(starter / "ttest" / "1.bmp")
    assert prediction.label in "博学笃志切问近思自由无用"
    assert prediction.probability is not None
    assert 0 < prediction.probability <= 1
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
