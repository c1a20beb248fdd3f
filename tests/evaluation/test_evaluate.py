"""`evaluate`: metrics of a model on labeled images."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn import metrics

from charcnn.datasets.arrays import IN_MEMORY
from charcnn.datasets.scan import scan
from charcnn.errors import DatasetError, ModelError, UnknownLabelError
from charcnn.evaluation.evaluate import evaluate
from charcnn.evaluation.evaluation import Evaluation
from charcnn.images.codec import read_image
from charcnn.inference.predictor import Predictor
from charcnn.registry.store import Registry
from charcnn.registry.version import ONNX_FILE


@pytest.fixture
def registry(trained: Path, tmp_path: Path) -> Registry:
    """A copy of the registry that a test may change."""
    return Registry(shutil.copytree(trained, tmp_path / "registry"))


@pytest.fixture
def model(registry: Registry) -> Path:
    """The model as an ONNX file outside of a registry."""
    return registry.open("small12").file(ONNX_FILE)


@pytest.fixture
def test_set(starter: Path, tmp_path: Path) -> Path:
    """A copy of the labeled test set that a test may change."""
    folder = shutil.copytree(starter / "test", tmp_path / "set")
    shutil.copy(starter / "classes.txt", folder)
    return folder


def negative(files: Iterable[Path]) -> None:
    for path in files:
        Image.fromarray(255 - read_image(path)).save(path)


def figures(evaluation: Evaluation) -> dict[str, object]:
    """The fields that do not depend on paths and time."""
    return evaluation.model_dump(exclude={"model", "dataset", "fingerprint", "created", "seconds"})


def test_the_figures_are_those_of_the_models_answers(model: Path, starter: Path) -> None:
    evaluation = evaluate(model, starter / "test")
    dataset, predictor = scan(starter / "test"), Predictor(model)
    truth = [predictor.labels.index(dataset.classes[label]) for label in dataset.require_labels()]
    answers = [dict(answer.top) for answer in predictor.predict_files(dataset.files, top_k=12)]
    rows = np.array([[answer[label] for label in predictor.labels] for answer in answers])
    read = rows.argmax(1)
    assert evaluation.images == len(truth) == 60
    assert evaluation.accuracy == pytest.approx(metrics.accuracy_score(truth, read))
    assert evaluation.accuracy > 0.5
    assert evaluation.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, read))
    assert evaluation.macro_f1 == pytest.approx(metrics.f1_score(truth, read, average="macro", zero_division=0))
    assert evaluation.top3 == pytest.approx(metrics.top_k_accuracy_score(truth, rows, k=3, labels=range(12)))
    assert evaluation.top3 >= evaluation.accuracy
    own = rows[np.arange(len(truth)), truth]
    assert evaluation.loss == pytest.approx(-np.log(np.maximum(own, 1.2e-38)).mean(), rel=1e-3)
    np.testing.assert_array_equal(
        evaluation.matrix.to_dense(), metrics.confusion_matrix(truth, read, labels=range(len(predictor.labels)))
    )
    assert evaluation.labels == predictor.labels
    assert [scores.label for scores in evaluation.per_class] == list(predictor.labels)
    assert {scores.support for scores in evaluation.per_class} == {5}


def test_a_dataset_with_some_of_the_labels_is_evaluated(registry: Registry, test_set: Path) -> None:
    whole = evaluate("small12", test_set, registry=registry)
    for folder in ("2", "5", "11"):
        shutil.rmtree(test_set / folder)
    part = evaluate("small12", test_set, registry=registry)
    assert part.images == 45
    present = [scores.label for scores in part.per_class]
    assert present == [label for index, label in enumerate(part.labels, 1) if index not in (2, 5, 11)]
    assert part.matrix.to_dense().shape == (12, 12)
    recall = {scores.label: scores.recall for scores in whole.per_class}
    assert {scores.label: scores.recall for scores in part.per_class} == {label: recall[label] for label in present}
    assert part.accuracy == pytest.approx(sum(recall[label] for label in present) / 9)


def test_labels_are_matched_by_text_not_by_folder(model: Path, test_set: Path) -> None:
    whole = evaluate(model, test_set)
    names = {}
    for line in (test_set / "classes.txt").read_text(encoding="utf-8").splitlines():
        folder, label = line.split("\t")
        names[folder] = (f"{99 - int(folder)}-renamed", label)
    for folder, (renamed, _) in names.items():
        (test_set / folder).rename(test_set / renamed)
    lines = [f"{renamed}\t{label}\n" for renamed, label in names.values()]
    (test_set / "classes.txt").write_text("".join(lines), encoding="utf-8")
    again = evaluate(model, test_set)
    assert (again.confusion, again.per_class) == (whole.confusion, whole.per_class)
    assert again.loss == pytest.approx(whole.loss)
    assert again.fingerprint == whole.fingerprint


def test_a_label_that_the_model_does_not_know_is_named(model: Path, test_set: Path) -> None:
    (test_set / "classes.txt").unlink()  # now the folder names are the labels
    (test_set / "1").rename(test_set / "博")
    with pytest.raises(UnknownLabelError, match="does not know 11 of the dataset's labels: 2 3") as fault:
        evaluate(model, test_set)
    assert "博" in fault.value.hint


def test_a_flat_folder_with_a_csv_of_labels(model: Path, starter: Path) -> None:
    evaluation = evaluate(model, starter / "ttest")
    assert evaluation.images == 120
    assert evaluation.accuracy > 0.5


def test_images_without_labels_cannot_be_evaluated(model: Path, test_set: Path) -> None:
    with pytest.raises(DatasetError, match="has no labels"):
        evaluate(model, test_set / "1")


def test_an_unreadable_image_is_counted_or_refused(model: Path, test_set: Path) -> None:
    (test_set / "1" / "bad.bmp").write_bytes(b"not an image")
    evaluation = evaluate(model, test_set)
    assert (evaluation.images, evaluation.unreadable) == (60, 1)
    with pytest.raises(DatasetError, match=r"bad\.bmp"):
        evaluate(model, test_set, strict=True)


def test_a_light_on_dark_dataset_is_read_like_its_negative(model: Path, test_set: Path) -> None:
    dark = evaluate(model, test_set)
    negative(test_set.glob("*/*.bmp"))
    light = evaluate(model, test_set)
    assert figures(light) == figures(dark)
    assert light.fingerprint != dark.fingerprint


def test_all_images_of_a_dataset_are_inverted_or_none(model: Path, test_set: Path) -> None:
    """An image that looks light on dark by itself is read with the polarity of its dataset."""
    image = np.full((28, 28), 0, np.uint8)
    image[12:16, 12:16] = 255
    for folder in test_set.iterdir():
        if folder.is_dir():
            Image.fromarray(image).save(folder / "odd.png")
    wanted = Predictor(model)
    wanted.spec = wanted.spec.model_copy(update={"polarity": "dark-on-light"})
    read = wanted.labels.index(wanted.predict(image).label)
    before = evaluate(model, test_set).matrix.to_dense()
    for path in test_set.glob("*/odd.png"):
        path.unlink()
    difference = before - evaluate(model, test_set).matrix.to_dense()
    assert difference.sum() == 12
    assert difference[:, read].tolist() == [1] * 12


def test_nothing_is_written_into_the_registry(registry: Registry, test_set: Path) -> None:
    version = registry.open("small12")
    evaluate("small12", test_set, registry=registry)
    assert registry.evaluations(version) == []


# images in memory


def in_memory(folder: Path) -> tuple[list[NDArray[np.uint8]], list[str]]:
    dataset = scan(folder)
    return [read_image(file) for file in dataset.files], [dataset.classes[n] for n in dataset.require_labels()]


def test_arrays_are_read_like_their_files(model: Path, test_set: Path) -> None:
    images, labels = in_memory(test_set)
    by_file = evaluate(model, test_set)
    for data in ((images, labels), (np.stack(images), labels)):
        evaluation = evaluate(model, data)
        assert figures(evaluation) == figures(by_file)
        assert evaluation.dataset == IN_MEMORY
    other = evaluate(model, (images[1:], labels[1:]))
    assert other.images == 59
    assert other.fingerprint != evaluation.fingerprint


def test_light_on_dark_arrays_of_any_size_are_inverted(model: Path, test_set: Path) -> None:
    images, labels = in_memory(test_set)
    dark = evaluate(model, (images, labels))
    larger = [255 - np.kron(image, np.ones((2, 2), np.uint8)) for image in images]
    assert evaluate(model, (larger, labels)).accuracy == dark.accuracy


def test_arrays_with_a_label_that_the_model_does_not_know(model: Path) -> None:
    with pytest.raises(UnknownLabelError, match="labels: Z"):
        evaluate(model, (np.full((2, 28, 28), 255, np.uint8), ["博", "Z"]))


def test_arrays_that_are_not_gray_images_are_refused(model: Path) -> None:
    images: Any = [np.zeros((28, 28))]
    with pytest.raises(DatasetError, match=r"uint8 array \[H,W\], not float64 \[28, 28\]"):
        evaluate(model, (images, ["博"]))


def test_progress_over_arrays_reaches_the_number_of_images(model: Path, test_set: Path) -> None:
    heard: list[tuple[int, int]] = []
    evaluate(model, in_memory(test_set), on_progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (60, 60)


# which model


def test_an_onnx_file_is_a_model_too(registry: Registry, model: Path, test_set: Path, tmp_path: Path) -> None:
    by_name = evaluate("small12", test_set, registry=registry)
    file = Path(shutil.copy(model, tmp_path / "sent.onnx"))
    by_file = evaluate(file, test_set, registry=registry)
    assert figures(by_file) == figures(by_name)
    assert by_file.fingerprint == by_name.fingerprint
    assert by_file.model == str(file)


def test_a_loaded_model_is_taken_as_it_is(registry: Registry, test_set: Path) -> None:
    predictor = Predictor.load("small12", registry)
    assert figures(evaluate(predictor, test_set, registry=registry)) == figures(
        evaluate("small12", test_set, registry=registry)
    )


# which dataset


def publish_trained_on(registry: Registry, source: str) -> None:
    """Publish a second version of the model, whose card names other training data."""
    version = registry.open("small12")
    data = version.card.data.model_copy(update={"sources": (source,)})
    with registry.staging() as folder:
        shutil.copy(version.file(ONNX_FILE), folder)
        registry.publish(folder, version.card.model_copy(update={"data": data}))


def test_the_default_is_the_test_set_next_to_the_training_data(registry: Registry, starter: Path) -> None:
    evaluation = evaluate("small12", registry=registry)
    assert evaluation.dataset == str(starter / "test")
    assert evaluation.images == 60


def test_an_onnx_file_without_data_needs_a_dataset(model: Path) -> None:
    with pytest.raises(DatasetError, match="No test folder found to evaluate") as fault:
        evaluate(model)
    assert "`data=DIR`" in fault.value.hint


def test_a_version_without_a_test_set_needs_a_dataset(registry: Registry, starter: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(starter / "train", tmp_path / "alone" / "train")
    publish_trained_on(registry, str(alone))
    with pytest.raises(DatasetError, match=f"No test folder found next to {alone} to evaluate small12@2"):
        evaluate("small12@2", registry=registry)


def test_model_trained_on_arrays_has_no_test_set_of_its_own(registry: Registry, starter: Path, world: Path) -> None:
    shutil.copytree(starter / "test", world / "test")
    publish_trained_on(registry, IN_MEMORY)
    with pytest.raises(DatasetError, match="No test folder found to evaluate"):
        evaluate("small12@2", registry=registry)


def test_missing_dataset_or_model_is_named(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model named smal12"):
        evaluate("smal12", registry=registry)
    with pytest.raises(DatasetError, match="no/where"):
        evaluate("small12", "no/where", registry=registry)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no images"):
        evaluate("small12", tmp_path / "empty", registry=registry)


def test_progress_reaches_the_number_of_images(model: Path, test_set: Path) -> None:
    heard: list[tuple[int, int]] = []
    evaluate(model, test_set, on_progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (60, 60)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
