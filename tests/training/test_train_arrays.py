"""Train on images in memory, and resume."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from charcnn.errors import DatasetError, TrainingInterrupted, UnknownLabelError
from charcnn.handwriting.style import WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.inference.predictor import Predictor
from charcnn.registry.store import Registry
from charcnn.registry.version import WEIGHTS_FILE
from charcnn.specs.train_config import TrainConfig
from charcnn.training.callbacks import Batch, Callback
from charcnn.training.step import StepResult
from charcnn.training.train import resume, train

Pictures = Callable[..., list[NDArray[np.uint8]]]
CONFIG = TrainConfig(net="lenet", epochs=2, batch_size=8, precision="fp32", threads=1)


@pytest.fixture
def pictures() -> Pictures:
    """`pictures("博学", count=8)` returns neat handwriting, character by character."""

    def write(characters: str = "博学自", count: int = 8, *, size: int = 28, seed: int = 0) -> list[NDArray[np.uint8]]:
        style = WritingStyle("neat", paper="scan", seed=seed)
        return [image for character in characters for image in write_character(character, range(count), size, style)]

    return write


def each(labels: Sequence[str | int], count: int = 8) -> list[str | int]:
    return [label for label in labels for _ in range(count)]


@pytest.mark.usefixtures("without_onnx")
def test_an_array_and_texts_make_a_version(pictures: Pictures, registry: Registry) -> None:
    version = train(CONFIG, data=(np.stack(pictures()), each("博学自")), registry=registry).version
    card = version.card
    assert card.reference == "chars3@1"
    assert sorted(card.labels) == sorted("博学自")
    assert (card.data.images, card.data.train + card.data.val, card.data.duplicates) == (24, 24, 0)
    assert card.data.sources == ("<arrays>",)
    assert card.data.per_class == dict.fromkeys("博学自", 8)
    assert card.image.fit == "stretch"
    assert card.validation is not None


def test_images_of_any_size_and_numbers_are_read_again(pictures: Pictures, registry: Registry) -> None:
    """With the ONNX file, because prediction must preprocess images as training did."""
    images = [*pictures("博", size=28), *pictures("学", size=40), *pictures("自", size=61)]
    config = TrainConfig(net="cnn", epochs=12, batch_size=8, val_split=0)
    version = train(config, data=(images, each([0, 10, 2])), registry=registry).version
    assert version.card.labels == ("0", "2", "10")
    assert version.card.image.fit == "ink"
    read = [Predictor.load("latest", registry).predict(image).label for image in images]
    assert sum(label == str(number) for label, number in zip(read, each([0, 10, 2]), strict=True)) > 20


@pytest.mark.usefixtures("without_onnx")
def test_the_same_arrays_give_the_same_weights(pictures: Pictures, registry: Registry) -> None:
    data = (np.stack(pictures()), each("博学自"))
    one, same = (train(CONFIG, data=data, registry=registry).version for _ in range(2))
    assert one.card.files[WEIGHTS_FILE] == same.card.files[WEIGHTS_FILE]
    assert one.card.data.fingerprint == same.card.data.fingerprint


@pytest.mark.usefixtures("without_onnx")
def test_arrays_of_their_own_select_the_best_epoch(pictures: Pictures, registry: Registry) -> None:
    data, val = (pictures(), each("博学自")), (pictures("博自", 3, seed=5), each("博自", 3))
    card = train(CONFIG, data=data, val=val, registry=registry).version.card
    assert (card.data.train, card.data.val, card.data.val_source) == (24, 6, "<arrays>")
    with pytest.raises(UnknownLabelError):
        train(CONFIG, data=data, val=(val[0], each("博无", 3)), registry=registry)


class StopsAfter(Callback):
    """A callback that stops the training after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def on_batch_end(self, batch: Batch, result: StepResult) -> None:
        self.left -= 1
        self.should_stop = self.left == 0


@pytest.mark.usefixtures("without_onnx")
def test_resumed_on_the_same_arrays_it_gives_the_same_weights(pictures: Pictures, registry: Registry) -> None:
    data = (np.stack(pictures()), each("博学自"))
    whole = train(CONFIG, data=data, registry=registry).version
    with pytest.raises(TrainingInterrupted) as stopped:
        train(CONFIG, data=data, registry=registry, callbacks=[StopsAfter(1)])
    run = stopped.value.run
    with pytest.raises(DatasetError, match="trained on images in memory") as fault:
        resume(run, registry=registry)
    assert "`data`" in fault.value.hint
    with pytest.raises(DatasetError, match="has changed since"):
        resume(run, data=(data[0][:-1], data[1][:-1]), registry=registry)
    again = resume(run, data=data, registry=registry).version
    assert again.card.files[WEIGHTS_FILE] == whole.card.files[WEIGHTS_FILE]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((0, 8, 8), np.uint8), [], "no images"),
        (np.zeros((2, 8, 8), np.float32), ["a", "b"], "must be a uint8 array"),
        (np.zeros((2, 8, 8, 3), np.uint8), ["a", "b"], "must be a uint8 array"),
        (np.zeros((2, 8, 8), np.uint8), ["a"], "each image needs one"),
        (np.zeros((2, 8, 8), np.uint8), ["a", "a"], "only one class"),
    ],
)
def test_unusable_arrays_are_refused(
    images: NDArray[np.uint8], labels: list[str], message: str, registry: Registry
) -> None:
    with pytest.raises(DatasetError, match=message):
        train(CONFIG, data=(images, labels), registry=registry)
    assert registry.versions() == []
