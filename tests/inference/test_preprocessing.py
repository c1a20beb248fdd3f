"""torch, ONNX Runtime and ten lines without charcnn give the same probabilities for the same file."""

import subprocess
import sys
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import nn

from charcnn.export.onnx import write_onnx
from charcnn.handwriting.style import WritingStyle
from charcnn.handwriting.writer import write_character
from charcnn.images.codec import read_image
from charcnn.images.fit import fit
from charcnn.inference.predictor import Predictor
from charcnn.networks.catalogue import get_network
from charcnn.networks.recognizer import Recognizer, normalize
from charcnn.registry.store import Registry
from charcnn.specs.image import ImageSpec
from charcnn.storage.paths import natural_key

LABELS = ("博", "学", "自", "10", "é")
FITS = ("stretch", "pad", "ink")


def network(seed: int = 0) -> nn.Module:
    """LeNet with random weights, scaled up so that its outputs differ between images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = get_network("lenet").build(len(LABELS)).eval()
    with torch.no_grad():
        for weight in fresh.parameters():
            weight.mul_(1.7)
    return fresh


Pair = tuple[Recognizer, Predictor]


SPEC = ImageSpec(height=32, width=32, margin=0.1, mean=0.9, std=0.4)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(network(), LABELS, SPEC, path)
    return path


@pytest.fixture(params=FITS)
def pair(request: pytest.FixtureRequest, exported: Path, tmp_path: Path) -> Pair:
    """The same network in torch and as an ONNX file, for each fit, with a mean and std other than the default."""
    spec = SPEC.model_copy(update={"fit": request.param})
    model = onnx.load(exported)
    (image,) = (entry for entry in model.metadata_props if entry.key == "image")
    image.value = spec.model_dump_json()  # only the metadata depend on the fit, so one export is enough
    onnx.save(model, tmp_path / "model.onnx")
    return Recognizer(network(), spec).eval(), Predictor(tmp_path / "model.onnx")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The same characters in files of different sizes, modes, formats and polarities."""
    style = WritingStyle(pen="marker", paper="scan")
    large = [drawing for character in "博学自" for drawing in write_character(character, range(4), 60, style)]
    found = []

    def keep(name: str, image: Image.Image) -> None:
        image.save(tmp_path / name)
        found.append(tmp_path / name)

    for number, drawing in enumerate(large):
        wide = np.pad(drawing, ((3, 9), (0, 40)), constant_values=255)
        soft = cv2.GaussianBlur(wide, (0, 0), 1.5)
        keep(f"{number}-exact.png", Image.fromarray(cv2.resize(drawing, (32, 32), interpolation=cv2.INTER_AREA)))
        keep(f"{number}-small.bmp", Image.fromarray(cv2.resize(drawing, (20, 20), interpolation=cv2.INTER_AREA)))
        keep(f"{number}-wide.png", Image.fromarray(wide))
        keep(f"{number}-soft.jpg", Image.fromarray(soft))
        keep(f"{number}-light.png", Image.fromarray(255 - soft))
        keep(f"{number}-bits.bmp", Image.fromarray(drawing).convert("1"))
        keep(f"{number}-color.webp", Image.merge("RGB", [Image.fromarray(soft)] * 3))
        ink = Image.new("RGBA", wide.shape[::-1], (0, 0, 0, 0))
        ink.paste((10, 20, 30, 255), mask=Image.fromarray(255 - wide))
        keep(f"{number}-clear.png", ink)
    return found


def test_torch_and_onnx_runtime_give_the_same_probabilities(pair: Pair, files: list[Path]) -> None:
    recognizer, predictor = pair
    fitted = np.stack([fit(read_image(path), recognizer.spec) for path in files])
    with torch.inference_mode():
        expected = recognizer(torch.from_numpy(fitted)[:, None]).numpy()
    assert np.ptp(expected, axis=0).max() > 0.05  # otherwise the test would prove nothing
    np.testing.assert_allclose(predictor.probabilities(fitted), expected, atol=1e-5)
    for row, prediction in zip(expected, predictor.predict_files(files, top_k=len(LABELS)), strict=True):
        given = {guess.label: guess.probability for guess in prediction.top}
        np.testing.assert_allclose([given[label] for label in LABELS], row, atol=1e-5)


def test_the_spec_travels_in_the_file(pair: Pair) -> None:
    recognizer, predictor = pair
    assert predictor.spec == recognizer.spec
    assert predictor.labels == LABELS


def test_probabilities_are_distributions(pair: Pair) -> None:
    _, predictor = pair
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32), dtype=np.uint8)
    probabilities = predictor.probabilities(images)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (7, len(LABELS))
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert predictor.probabilities(images[:0]).shape == (0, len(LABELS))


def test_a_batch_of_any_size_gives_each_image_its_own_answer(pair: Pair) -> None:
    _, predictor = pair
    images = np.random.default_rng(0).integers(0, 256, (1030, 32, 32), dtype=np.uint8)  # more than two batches
    together = predictor.probabilities(images)
    for index in (0, 1, 511, 512, 513, 1023, 1024, 1029):
        np.testing.assert_allclose(predictor.probabilities(images[index : index + 1])[0], together[index], atol=1e-5)


def test_images_that_are_not_contiguous_are_read_right(pair: Pair) -> None:
    _, predictor = pair
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64), dtype=np.uint8)[:, ::2, 1::2]
    np.testing.assert_array_equal(predictor.probabilities(images), predictor.probabilities(images.copy()))


@pytest.mark.parametrize(("mean", "std"), [(1.0, 1.0), (0.1307, 0.3081), (0.0, 2.0)])
def test_normalization_uses_the_mean_and_std_of_the_spec(mean: float, std: float) -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    given = normalize(pixels, ImageSpec(mean=mean, std=std))
    assert given.dtype == torch.float32
    torch.testing.assert_close(given.double(), (pixels.double() / 255 - mean) / std, rtol=1e-5, atol=1e-5)


# without charcnn

TEN_LINES = """
import json, sys
import numpy as np, onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1])
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
for path in sys.argv[2:]:
    image = np.asarray(Image.open(path).convert("L"))[None, None]
    print(labels[session.run(None, {"image": image})[0].argmax()])
print("charcnn" in sys.modules or "torch" in sys.modules)
"""


def ten_lines_say(model: Path, files: list[Path]) -> list[str]:
    command = [sys.executable, "-X", "utf8", "-I", "-c", TEN_LINES, str(model), *map(str, files)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    *labels, with_charcnn = done.stdout.split()
    assert with_charcnn == "False"
    return labels


def predicted(predictor: Predictor, files: list[Path]) -> list[str]:
    return [prediction.label for prediction in predictor.predict_files(files)]


def test_ten_lines_without_charcnn_read_the_starter_set(trained: Path, starter: Path) -> None:
    version = Registry(trained).open("small12")
    files = sorted((starter / "ttest").iterdir(), key=lambda path: natural_key(path.name))
    labels = ten_lines_say(version.file("model.onnx"), files)
    assert len(set(labels)) > 6
    assert labels == predicted(Predictor.load("small12", Registry(trained)), files)


def test_ten_lines_without_charcnn_read_real_images(trained: Path, fudan12: Path) -> None:
    version = Registry(trained).open("small12")
    folders = sorted((fudan12 / "train").iterdir(), key=lambda path: natural_key(path.name))
    files = [path for folder in folders for path in sorted(folder.glob("*.bmp"))[::70]][:100]
    assert len(files) == 100
    labels = ten_lines_say(version.file("model.onnx"), files)
    assert len(set(labels)) > 1
    assert labels == predicted(Predictor.load("small12", Registry(trained)), files)


@pytest.mark.parametrize("fitting", FITS)
@pytest.mark.parametrize("polarity", ["auto", "light-on-dark"])
def test_light_on_dark_is_read_like_its_negative(
    trained: Path, starter: Path, fitting: Literal["stretch", "pad", "ink"], polarity: Literal["auto", "light-on-dark"]
) -> None:
    predictor = Predictor.load("small12", Registry(trained))
    predictor.spec = predictor.spec.model_copy(update={"fit": fitting, "polarity": polarity})
    plain = Predictor.load("small12", Registry(trained))
    plain.spec = predictor.spec.model_copy(update={"polarity": "dark-on-light"})
    for path in sorted((starter / "ttest").iterdir())[:20]:
        image = read_image(path)
        assert predictor.predict(255 - image) == plain.predict(image)
