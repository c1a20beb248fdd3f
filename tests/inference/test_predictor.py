"""`Predictor`: predictions, invalid input, and the choice of the model."""

import json
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image

from charcnn.errors import CardError, CharcnnError, ImageError, IntegrityError, ModelError
from charcnn.images.codec import read_image
from charcnn.inference.predictor import Predictor
from charcnn.registry.store import Registry
from charcnn.registry.version import ONNX_FILE, WEIGHTS_FILE
from charcnn.specs.image import ImageSpec
from charcnn.storage.paths import natural_key
from tests.support.onnx_files import write_foreign_onnx


@pytest.fixture(scope="module")
def predictor(trained: Path) -> Predictor:
    return Predictor.load("small12", Registry(trained))


@pytest.fixture
def onnx_file(trained: Path, tmp_path: Path) -> Path:
    """An exported file that a test may damage."""
    return Path(shutil.copy(Registry(trained).open("small12").file(ONNX_FILE), tmp_path / "model.onnx"))


@pytest.fixture
def own_registry(trained: Path, tmp_path: Path) -> Registry:
    """A copy of the registry that a test may change."""
    return Registry(shutil.copytree(trained, tmp_path / "registry"))


def ttest(starter: Path) -> list[Path]:
    return sorted((starter / "ttest").iterdir(), key=lambda path: natural_key(path.name))


# reading


def test_it_reads_most_of_the_starter_set(predictor: Predictor, starter: Path) -> None:
    truth = dict(line.split(",") for line in (starter / "ttest.csv").read_text(encoding="utf-8").split()[1:])
    right = sum(predictor.predict(path).label == truth[path.name] for path in ttest(starter))
    assert right > 60  # of 120; guessing would give 10


def test_path_string_and_array_are_read_alike(predictor: Predictor, starter: Path) -> None:
    path = ttest(starter)[0]
    prediction = predictor.predict(path)
    assert predictor.predict(str(path)) == predictor.predict(read_image(path)) == prediction
    assert isinstance(prediction.label, str)
    assert 0 <= (prediction.probability or 0) <= 1


def test_guesses_are_sorted_by_probability(predictor: Predictor, starter: Path) -> None:
    path = ttest(starter)[0]
    every = predictor.predict(path, top_k=99).top
    assert sorted(guess.label for guess in every) == sorted(predictor.labels)
    assert [guess.probability for guess in every] == sorted((guess.probability for guess in every), reverse=True)
    assert sum(guess.probability for guess in every) == pytest.approx(1, abs=1e-5)
    assert predictor.predict(path).top == every[:3]
    assert predictor.predict(path, top_k=1).top == every[:1]
    assert (predictor.predict(path).label, predictor.predict(path).probability) == every[0]


@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (5, 300), (300, 5), (200, 200)])
def test_an_array_of_any_size_is_read(predictor: Predictor, shape: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        assert predictor.predict(np.full(shape, level, np.uint8)).label in predictor.labels


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((28, 28)),
        np.zeros((28, 28), np.float32),
        np.zeros((28, 28), bool),
        np.zeros((28, 28), np.uint16),
        np.zeros((28, 28, 3), np.uint8),
        np.zeros((1, 28, 28), np.uint8),
        np.zeros(784, np.uint8),
        np.zeros((0, 28), np.uint8),
        np.uint8(3),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_an_array_that_is_not_a_gray_image_is_refused(predictor: Predictor, array: Any) -> None:
    with pytest.raises(ImageError, match=r"uint8 \[H,W\]") as fault:
        predictor.predict(array)
    assert str(array.dtype) in fault.value.message
    with pytest.raises(ImageError, match=r"images\[1\] must be uint8 \[H,W\]"):
        predictor.predict_batch([np.zeros((28, 28), np.uint8), array])


def test_batch_of_one_array_is_read_like_its_images(predictor: Predictor, starter: Path) -> None:
    images = np.stack([read_image(path) for path in ttest(starter)[:100]])
    for k in (1, 3, 12):
        together = predictor.predict_batch(images, k)
        assert [given.label for given in together] == [predictor.predict(image).label for image in images]
        assert {len(given.top) for given in together} == {k}
    assert predictor.predict_batch(images[:0]) == []


def test_batch_of_images_of_any_size_is_read_in_order(predictor: Predictor, starter: Path) -> None:
    originals = [read_image(path) for path in ttest(starter)[:12]]
    images = [np.kron(image, np.ones((1 + n % 3,) * 2, np.uint8)) for n, image in enumerate(originals)]
    images *= 100  # more than one chunk
    labels = [predictor.predict(image).label for image in images[:12]]
    assert len(set(labels)) > 6
    assert [given.label for given in predictor.predict_batch(images)] == labels * 100


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 28, 28)),
        np.zeros((2, 32, 28), np.uint8),
        np.zeros((28, 28), np.uint8),
        np.zeros((2, 1, 28, 28), np.uint8),
        [[0]],
    ],
    ids=["float", "size", "one image", "channels", "list"],
)
def test_probabilities_of_unfitted_images_are_refused(predictor: Predictor, array: Any) -> None:
    with pytest.raises(ImageError, match=r"must be uint8 \[N,28,28\], not"):
        predictor.probabilities(array)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_starts_its_own_threads(predictor: Predictor) -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    expected = predictor.probabilities(images)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put(predictor.probabilities(images)))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    np.testing.assert_allclose(queue.get(), expected, atol=1e-5)


def test_an_image_file_that_cannot_be_read_is_named(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    for name in ("text.png", "nowhere.png"):
        with pytest.raises(ImageError, match=name):
            predictor.predict(tmp_path / name)


def test_files_keep_their_order_with_unreadable_ones_among_them(
    starter: Path, trained: Path, tmp_path: Path, four_threads: None
) -> None:
    predictor = Predictor.load("small12", Registry(trained))  # without running threads
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    good = ttest(starter)[:5]
    files = [tmp_path / "text.png", *good[:3], tmp_path / "gone.png", *good[3:], tmp_path / "empty.png"]
    files *= 75  # several chunks, and the last one is not full
    expected = {path: predictor.predict(path, top_k=2) for path in good}
    heard: list[tuple[int, int]] = []
    found = list(predictor.predict_files(files, 2, lambda done, total: heard.append((done, total))))
    assert len(found) == len(files)
    for path, given in zip(files, found, strict=True):
        if path in good:
            assert (given.status, given.reason) == ("read", "")
            assert [guess.label for guess in given.top] == [guess.label for guess in expected[path].top]
            assert given.probability == pytest.approx(expected[path].probability, abs=1e-5)
        else:
            assert (given.status, given.top) == ("unreadable", ())
            assert (given.label, given.probability) == ("", None)
            assert path.name in given.reason
    assert heard == sorted(heard)
    assert heard[-1] == (len(files), len(files))


def test_reading_files_may_stop_in_the_middle(predictor: Predictor, starter: Path) -> None:
    path = ttest(starter)[0]
    answers = predictor.predict_files([path] * 6000)
    assert next(answers).label == predictor.predict(path).label
    del answers
    assert next(predictor.predict_files([path])).label == predictor.predict(path).label


def test_no_files_give_no_predictions(predictor: Predictor) -> None:
    assert list(predictor.predict_files([])) == []


def test_the_polarity_of_each_file_is_detected_separately(predictor: Predictor, starter: Path, tmp_path: Path) -> None:
    files = []
    for index, path in enumerate(ttest(starter)[:4]):
        image = read_image(path)
        Image.fromarray(255 - image if index % 2 else image).save(tmp_path / f"{index}.png")
        files.append(tmp_path / f"{index}.png")
    labels = [given.label for given in predictor.predict_files(files)]
    assert labels == [predictor.predict(path).label for path in ttest(starter)[:4]]


def test_a_datasets_polarity_replaces_auto_only(predictor: Predictor) -> None:
    assert predictor.spec.polarity == "auto"
    assert predictor.with_polarity("light-on-dark").polarity == "light-on-dark"
    fixed = Predictor.__new__(Predictor)
    fixed.spec = ImageSpec(polarity="dark-on-light")
    assert fixed.with_polarity("light-on-dark") == fixed.spec


# which model


def test_a_reference_a_folder_and_a_file_are_the_same_model(trained: Path, onnx_file: Path, starter: Path) -> None:
    registry, image = Registry(trained), ttest(starter)[0]
    folder = registry.root / "small12" / "1"
    by_reference = Predictor.load("small12@1", registry)
    assert by_reference.version is not None
    assert by_reference.reference == "small12@1"
    by_folder = Predictor.load(folder)
    assert (by_folder.reference, by_folder.version) == (by_reference.reference, by_reference.version)
    by_file = Predictor.load(onnx_file)
    assert (by_file.reference, by_file.version) == (str(onnx_file), None)
    expected = by_reference.predict(image)
    assert Predictor.load("latest", registry).predict(image) == expected
    assert by_folder.predict(image) == by_file.predict(image) == expected


def test_the_registry_is_found_by_its_environment_variable(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARCNN_REGISTRY", str(trained))
    assert Predictor.load().reference == "small12@1"


def test_a_model_path_may_hold_any_letters(onnx_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "模型 😀 é" / "my model.ONNX"
    path.parent.mkdir()
    onnx_file.rename(path)
    assert len(Predictor.load(path).labels) == 12


def test_a_missing_model_is_named(own_registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model named smal12") as fault:
        Predictor.load("smal12", own_registry)
    assert fault.value.hint == "Did you mean small12?"
    for name in ("nowhere.onnx", "nowhere.pt", "no/where", "nowhere.txt"):
        with pytest.raises(ModelError, match=name):
            Predictor.load(tmp_path / name)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"contains no card\.json"):
        Predictor.load(tmp_path)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.PTH", "model.pkl", "model.ckpt", "model.bin"])
def test_a_pickle_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match="is a pickle file") as fault:
        Predictor.load(tmp_path / name)
    assert name in fault.value.message


@pytest.mark.parametrize("name", ["model.safetensors", "photo.png", "model.onnx.zip"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(ModelError, match=f"{name} is not an ONNX file"):
        Predictor.load(tmp_path / name)


@pytest.mark.parametrize("name", ["chars21.onnx", "chars12.onx"])
def test_a_misspelled_file_name_suggests_the_closest_one(tmp_path: Path, name: str) -> None:
    for other in ("chars12.onnx", "digits.onnx"):
        (tmp_path / other).touch()
    with pytest.raises(ModelError) as fault:
        Predictor.load(tmp_path / name)
    assert (fault.value.message, fault.value.hint) == (
        f"Model not found: {tmp_path / name}",
        f"Did you mean {tmp_path / 'chars12.onnx'}?",
    )
    with pytest.raises(ModelError) as fault:
        Predictor.load(tmp_path / "zzz.onnx")
    assert "Did you mean" not in fault.value.hint


def test_a_pickle_with_the_suffix_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x80\x04\x95.")
    with pytest.raises(ModelError, match=r"model\.onnx"):
        Predictor.load(tmp_path / "model.onnx")


def test_a_truncated_file_is_refused_wherever_it_was_cut(onnx_file: Path) -> None:
    whole = onnx_file.read_bytes()
    places = [0, 1, 10, 100, 1000, *np.linspace(2000, len(whole) - 1, 8, dtype=int).tolist()]
    for place in places:
        onnx_file.write_bytes(whole[:place])
        with pytest.raises(ModelError, match=r"model\.onnx") as fault:
            Predictor.load(onnx_file)
        assert "\n" not in fault.value.message


def test_a_file_whose_hash_is_wrong_is_not_opened(own_registry: Registry) -> None:
    path = own_registry.root / "small12" / "1" / ONNX_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for model in ("small12", path.parent):
        with pytest.raises(IntegrityError, match="sha256"):
            Predictor.load(model, own_registry)


def test_another_models_file_is_not_opened(own_registry: Registry, tmp_path: Path) -> None:
    path = own_registry.root / "small12" / "1" / ONNX_FILE
    write_foreign_onnx(path)
    with pytest.raises(IntegrityError):
        Predictor.load("small12", own_registry)


def test_the_weights_are_not_needed_for_reading(own_registry: Registry) -> None:
    (own_registry.root / "small12" / "1" / WEIGHTS_FILE).unlink()
    assert Predictor.load("small12", own_registry).reference == "small12@1"


def test_a_card_from_a_newer_schema_is_refused(own_registry: Registry) -> None:
    path = own_registry.root / "small12" / "1" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"schema_version": 9}))
    with pytest.raises(CardError, match="schema version 9"):
        Predictor.load("small12", own_registry)


# files that others made


GOOD = {"labels": '["a", "b", "c"]', "image": ImageSpec().model_dump_json()}


def test_a_foreign_file_with_everything_in_it_is_read(tmp_path: Path) -> None:
    """Baseline for the tests below, each of which changes one thing and expects an error."""
    predictor = Predictor(write_foreign_onnx(tmp_path / "good.onnx", GOOD))
    assert predictor.predict(np.full((28, 28), 255, np.uint8)).label == "a"


SPOILT = {
    "nothing": {},
    "no spec": {"labels": GOOD["labels"]},
    "no labels": {"image": GOOD["image"]},
    "labels that are no JSON": GOOD | {"labels": "a,b,c"},
    "a number of labels": GOOD | {"labels": "10"},
    "null": GOOD | {"labels": "null"},
    "labels in one text": GOOD | {"labels": '"abc"'},
    "labels as keys": GOOD | {"labels": '{"a": 0, "b": 1, "c": 2}'},
    "labels that are numbers": GOOD | {"labels": "[1, 2, 3]"},
    "half a spec": GOOD | {"image": "{"},
    "a list for a spec": GOOD | {"image": "[]"},
    "a spec without bounds": GOOD | {"image": '{"height": 1000000, "width": 28}'},
    "another spec": GOOD | {"image": '{"colour": "red"}'},
}


@pytest.mark.parametrize("metadata", SPOILT.values(), ids=SPOILT)
def test_a_foreign_file_is_refused_by_name(tmp_path: Path, metadata: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"other\.onnx") as fault:
        Predictor(write_foreign_onnx(tmp_path / "other.onnx", metadata))
    assert fault.value.hint


@pytest.mark.parametrize("classes", [2, 4])
def test_labels_that_do_not_fit_the_outputs_are_refused(tmp_path: Path, classes: int) -> None:
    with pytest.raises(ModelError, match=r"other\.onnx"):
        Predictor(write_foreign_onnx(tmp_path / "other.onnx", GOOD, classes=classes))


@pytest.mark.parametrize(
    "other",
    [{"names": ("input", "output")}, {"size": 32}, {"kind": TensorProto.FLOAT}],
    ids=["names", "size", "type"],
)
def test_a_graph_with_other_inputs_or_outputs_is_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    path = write_foreign_onnx(tmp_path / "other.onnx", GOOD, **other)
    with pytest.raises(CharcnnError, match=r"other\.onnx"):
        Predictor(path).predict(np.full((28, 28), 255, np.uint8))
