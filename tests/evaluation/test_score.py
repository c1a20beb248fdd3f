"""`score`: the scores of a model, image by image."""

import json
from pathlib import Path

import numpy as np
import pytest

from charcnn.datasets.arrays import LabeledImages
from charcnn.datasets.scan import scan
from charcnn.errors import ImageError, UnknownLabelError
from charcnn.evaluation.score import score
from charcnn.inference.predictor import Predictor
from charcnn.registry.store import Registry
from charcnn.specs.image import ImageSpec
from tests.support.onnx_files import write_foreign_onnx


@pytest.fixture(scope="module")
def predictor(trained: Path) -> Predictor:
    return Predictor.load("small12", Registry(trained))


@pytest.fixture
def images(predictor: Predictor, starter: Path) -> LabeledImages:
    return LabeledImages.load(scan(starter / "test"), predictor.with_polarity("dark-on-light"))


def test_each_image_has_its_true_and_predicted_labels(predictor: Predictor, images: LabeledImages) -> None:
    scored = score(predictor, images, top_k=2)
    assert len(scored) == 60
    assert scored.files == images.files
    assert scored.labels == predictor.labels
    np.testing.assert_array_equal(scored.read, scored.top[:, 0])
    for index in (0, 7, 59):
        answer = predictor.predict(images.files[index], top_k=12)
        assert predictor.labels[scored.truth[index]] == images.classes[images.labels[index]]
        assert [predictor.labels[label] for label in scored.top[index]] == [guess.label for guess in answer.top[:2]]
        expected = [guess.probability for guess in answer.top[:2]]
        assert scored.probabilities[index] == pytest.approx(expected, abs=1e-5)
        own = dict(answer.top)[predictor.labels[scored.truth[index]]]
        assert scored.losses[index] == pytest.approx(-np.log(max(own, 1.2e-38)), rel=1e-2, abs=1e-5)


def test_progress_reaches_the_number_of_images(predictor: Predictor, images: LabeledImages) -> None:
    heard: list[tuple[int, int]] = []
    score(predictor, images, on_progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (60, 60)


def test_images_of_another_size_or_label_are_refused(predictor: Predictor, starter: Path) -> None:
    other_size = LabeledImages.load(scan(starter / "test"), ImageSpec(height=32, width=32, polarity="dark-on-light"))
    with pytest.raises(ImageError, match=r"\[N,28,28\]"):
        score(predictor, other_size)
    pixels = np.full((1, 28, 28), 255, np.uint8)
    with pytest.raises(UnknownLabelError):
        score(predictor, LabeledImages.from_arrays(pixels, ["Z"], predictor.spec))


def test_only_the_best_guesses_of_thousands_of_labels_are_kept(tmp_path: Path) -> None:
    labels = [f"label {number}" for number in range(3000)]
    metadata = {"labels": json.dumps(labels), "image": ImageSpec().model_dump_json()}
    predictor = Predictor(write_foreign_onnx(tmp_path / "many.onnx", metadata, classes=3000))
    pixels = np.repeat(np.arange(250, dtype=np.uint8), 12)[:, None, None] * np.ones((28, 28), np.uint8)
    heard: list[tuple[int, int]] = []
    images = LabeledImages.from_arrays(pixels, labels, ImageSpec(polarity="dark-on-light"))
    scored = score(predictor, images, on_progress=lambda done, total: heard.append((done, total)))
    assert len(heard) > 1
    assert scored.top.shape == scored.probabilities.shape == (3000, 3)
    np.testing.assert_array_equal(scored.top, np.tile([0, 1, 2], (3000, 1)))
    np.testing.assert_allclose(scored.probabilities[:, 0], pixels[:, 0, 0], rtol=1e-5)
    assert (scored.truth[0], scored.truth[-1]) == (0, 2999)
