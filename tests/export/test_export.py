"""Export: the content of the files, their agreement with the model, and errors."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnx
import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file

from charcnn.errors import ConfigError, ExportError, IntegrityError, OverwriteError, ParityError
from charcnn.export import onnx as module
from charcnn.export import safetensors as safetensors_module
from charcnn.export.export import export_version
from charcnn.export.load_network import load_network
from charcnn.export.onnx import write_onnx
from charcnn.export.onnx_graph import build_onnx_model
from charcnn.inference.predictor import Predictor
from charcnn.networks.catalogue import get_network
from charcnn.networks.recognizer import Recognizer
from charcnn.networks.weights import read_weights
from charcnn.registry.store import Registry
from charcnn.registry.version import ONNX_FILE, WEIGHTS_FILE, Version
from charcnn.specs.card import ModelCard
from charcnn.specs.choices import ExportFormat
from charcnn.specs.image import ImageSpec

FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


@pytest.fixture
def version(trained: Path) -> Version:
    return Registry(trained).open("small12")


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Version:
    """A copy of the version that a test may damage."""
    return Registry(shutil.copytree(trained, tmp_path / "registry")).open("small12")


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 28, 28), dtype=np.uint8)


def expected(version: Version, images: np.ndarray) -> np.ndarray:
    """The probabilities of the version's weights, without any exporter."""
    pixels = torch.from_numpy(images)[:, None].float() / 255
    network = get_network("cnn").build(12, version.card.network.options).eval()
    network.load_state_dict(load_file(version.folder / WEIGHTS_FILE))
    with torch.inference_mode():
        return torch.softmax(network((pixels - version.card.image.mean) / version.card.image.std), 1).numpy()


# round trips


def test_an_onnx_file_answers_as_the_model_does(version: Version, tmp_path: Path, images: np.ndarray) -> None:
    path = tmp_path / "new" / "model.onnx"
    assert export_version(version, "onnx", path) == 0
    assert path.read_bytes() == version.file(ONNX_FILE).read_bytes()
    assert {entry.name for entry in path.parent.iterdir()} == {"model.onnx"}  # the weights are inside the file
    predictor = Predictor(path)
    assert predictor.labels == version.card.labels
    assert predictor.spec == version.card.image
    np.testing.assert_allclose(predictor.probabilities(images), expected(version, images), atol=1e-5)


def test_what_the_onnx_graph_takes_and_gives(version: Version) -> None:
    model = onnx.load(version.file(ONNX_FILE))
    onnx.checker.check_model(model)
    (takes,), (gives,) = model.graph.input, model.graph.output
    assert (takes.name, gives.name) == ("image", "probabilities")
    assert takes.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert gives.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    shape = takes.type.tensor_type.shape.dim
    assert shape[0].dim_param
    assert [dim.dim_value for dim in shape[1:]] == [1, 28, 28]
    assert gives.type.tensor_type.shape.dim[1].dim_value == 12
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    assert json.loads(metadata["labels"]) == list(version.card.labels)
    assert ImageSpec.model_validate_json(metadata["image"]) == version.card.image
    assert model.producer_name == "charcnn"


def test_no_path_of_this_machine_is_in_the_onnx_file(version: Version, starter: Path) -> None:
    content = version.file(ONNX_FILE).read_bytes()
    paths = [str(starter), str(Path(module.__file__).parent), str(Path(torch.__file__).parent)]
    assert [path for path in paths if path.encode() in content] == []


def test_a_pt2_file_answers_as_the_model_does(version: Version, tmp_path: Path, images: np.ndarray) -> None:
    path = tmp_path / "model.pt2"
    assert export_version(version, "pt2", path) < 1e-4
    inside: dict[str, Any] = {"labels": "", "image": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings inside torch
        program = torch.export.load(path, extra_files=inside)
    assert json.loads(inside["labels"]) == list(version.card.labels)
    assert ImageSpec.model_validate_json(inside["image"]) == version.card.image
    for count in (1, 9):
        batch = torch.from_numpy(images[:count])[:, None]
        with torch.inference_mode():
            given = program.module()(batch).numpy()
        np.testing.assert_allclose(given, expected(version, images[:count]), atol=1e-5)


def test_a_safetensors_file_holds_the_models_weights(version: Version, tmp_path: Path, images: np.ndarray) -> None:
    path = tmp_path / "model.safetensors"
    assert export_version(version, "safetensors", path) == 0
    with safetensors.safe_open(path, "pt") as stream:
        card = ModelCard.parse(stream.metadata()["card"], "header")
    assert card == version.card
    network = get_network(card.network.name).build(len(card.labels), card.network.options).eval()
    network.load_state_dict(read_weights(path))
    with torch.inference_mode():
        given = Recognizer(network, card.image)(torch.from_numpy(images)[:, None]).numpy()
    np.testing.assert_allclose(given, expected(version, images), atol=1e-6)


def test_dropout_is_off_and_labels_are_any_text(tmp_path: Path) -> None:
    labels = ("A", " ", "\n", '"quoted"', "博😀\x00")
    network = get_network("lenet").build(5, {"dropout": 0.5}).train()
    assert write_onnx(network, labels, ImageSpec(height=32, width=32), tmp_path / "model.onnx") < 1e-4
    predictor = Predictor(tmp_path / "model.onnx")
    assert predictor.labels == labels
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32), dtype=np.uint8)
    np.testing.assert_array_equal(predictor.probabilities(image), predictor.probabilities(image))


# parity


def another_model(version: Version, tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> Version:
    """A valid version whose weights differ from those in its ONNX file."""
    weights = read_weights(version.file(WEIGHTS_FILE))
    registry = Registry(tmp_path / "mixed")
    with registry.staging() as folder:
        shutil.copy(version.file(ONNX_FILE), folder)
        save_file({name: change(value).contiguous() for name, value in weights.items()}, folder / WEIGHTS_FILE)
        return registry.publish(folder, version.card)


def reversed_rows(weight: torch.Tensor) -> torch.Tensor:
    return weight.flip(0) if weight.ndim else weight


def test_an_onnx_file_with_other_labels_than_the_card_fails_loudly(version: Version, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "mixed")
    with registry.staging() as folder:
        shutil.copy(version.file(ONNX_FILE), folder)
        card = version.card.model_copy(update={"labels": tuple(reversed(version.card.labels))})
        mixed = registry.publish(folder, card)
    with pytest.raises(IntegrityError, match="differ in labels or preprocessing"):
        export_version(mixed, "onnx", tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_a_copy_that_came_out_wrong_fails_loudly(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_half(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:-1])

    monkeypatch.setattr(shutil, "copyfile", copy_half)
    with pytest.raises(IntegrityError, match="differs"):
        export_version(version, "onnx", tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["pt2", "safetensors"])
def test_the_other_formats_follow_the_weights(version: Version, tmp_path: Path, kind: ExportFormat) -> None:
    mixed = another_model(version, tmp_path, reversed_rows)
    assert export_version(mixed, kind, tmp_path / f"out.{kind}") < 1e-4


def test_safetensors_that_came_out_wrong_fail_loudly(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(path: Path) -> dict[str, torch.Tensor]:
        return {name: torch.zeros_like(value) for name, value in read_weights(path).items()}

    monkeypatch.setattr(safetensors_module, "read_weights", wrong)
    with pytest.raises(ParityError, match="does not match the model"):
        export_version(version, "safetensors", tmp_path / "out.safetensors")


def test_a_pt2_file_that_came_out_wrong_fails_loudly(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = torch.export.export

    def wrong(recognizer: Recognizer, *arguments: Any, **more: Any) -> torch.export.ExportedProgram:
        spec = recognizer.spec.model_copy(update={"mean": recognizer.spec.mean + 0.5})
        return export(Recognizer(recognizer.network, spec).eval(), *arguments, **more)

    monkeypatch.setattr(torch.export, "export", wrong)
    with pytest.raises(ParityError, match="does not match the model"):
        export_version(version, "pt2", tmp_path / "out.pt2")


def spread(network: torch.nn.Module) -> torch.nn.Module:
    """Scale up the weights of a network, so that its outputs differ between images."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(2)
    return network


def test_a_written_onnx_file_that_came_out_wrong_fails_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(network: torch.nn.Module, classes: int, spec: ImageSpec) -> onnx.ModelProto:
        return build_onnx_model(network, classes, spec.model_copy(update={"mean": spec.mean + 0.5}))

    monkeypatch.setattr(module, "build_onnx_model", wrong)
    with pytest.raises(ParityError, match="does not match the model"):
        write_onnx(spread(get_network("lenet").build(3)), "abc", ImageSpec(height=32, width=32), tmp_path / "out.onnx")


class Doubled(torch.nn.Module):
    """A layer that only torch's exporter supports."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * 2


def test_what_torch_exported_wrongly_fails_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = torch.onnx.export

    def wrong(recognizer: Recognizer, *arguments: Any, **more: Any) -> Any:
        spec = recognizer.spec.model_copy(update={"mean": recognizer.spec.mean + 0.5})
        return export(Recognizer(recognizer.network, spec).eval(), *arguments, **more)

    monkeypatch.setattr(torch.onnx, "export", wrong)
    network = torch.nn.Sequential(Doubled(), torch.nn.Flatten(), torch.nn.Linear(64, 3))
    with pytest.raises(ParityError, match="does not match the model"):
        write_onnx(spread(network), "abc", ImageSpec(height=8, width=8), tmp_path / "out.onnx")


def test_nan_outputs_fail_loudly(version: Version, tmp_path: Path) -> None:
    """NaN is refused although both sides return it."""
    broken = another_model(
        version, tmp_path, lambda weight: torch.full_like(weight, float("nan")) if weight.ndim else weight
    )
    with pytest.raises(ParityError):
        export_version(broken, "safetensors", tmp_path / "out.safetensors")


# what is refused


@pytest.mark.parametrize("kind", FORMATS)
def test_an_existing_file_is_kept_without_force(version: Version, tmp_path: Path, kind: ExportFormat) -> None:
    path = tmp_path / f"model.{kind}"
    path.write_bytes(b"mine")
    with pytest.raises(OverwriteError, match="already exists") as fault:
        export_version(version, kind, path)
    assert "`force=True`" in fault.value.hint
    assert path.read_bytes() == b"mine"


def test_force_replaces_a_file(version: Version, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"mine")
    export_version(version, "onnx", path, force=True)
    assert Predictor(path).labels == version.card.labels


@pytest.mark.parametrize(
    ("kind", "name"), [("onnx", "model.pt2"), ("pt2", "model.onnx"), ("safetensors", "model.ONNX")]
)
def test_a_suffix_of_another_format_is_refused(version: Version, tmp_path: Path, kind: ExportFormat, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} does not end in"):
        export_version(version, kind, tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("onnx", ONNX_FILE), ("pt2", WEIGHTS_FILE), ("safetensors", WEIGHTS_FILE)],
)
def test_a_version_whose_hash_is_wrong_is_not_exported(
    own: Version, tmp_path: Path, kind: ExportFormat, name: str
) -> None:
    path = own.folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    target = tmp_path / f"out.{kind}"
    with pytest.raises(IntegrityError, match="sha256"):
        export_version(own, kind, target)
    assert not target.exists()


def test_a_file_without_a_suffix_is_written_as_its_format(version: Version, tmp_path: Path) -> None:
    for kind in FORMATS:
        export_version(version, kind, tmp_path / f"model-{kind}")
        assert (tmp_path / f"model-{kind}").is_file()


# the network of a version


@pytest.fixture
def foreign(version: Version, tmp_path: Path) -> Version:
    """A version of a network that is not registered."""
    registry = Registry(tmp_path / "foreign")
    with registry.staging() as folder:
        for name in version.card.files:
            shutil.copy(version.file(name), folder)
        network = version.card.network.model_copy(update={"name": "theirs"})
        return registry.publish(folder, version.card.model_copy(update={"network": network}))


def test_the_onnx_file_of_an_unregistered_network_is_exported(foreign: Version, tmp_path: Path) -> None:
    export_version(foreign, "onnx", tmp_path / "out.onnx")
    assert Predictor(tmp_path / "out.onnx").labels == foreign.card.labels


@pytest.mark.parametrize("kind", ["pt2", "safetensors"])
def test_an_unregistered_network_is_named(foreign: Version, tmp_path: Path, kind: ExportFormat) -> None:
    with pytest.raises(ExportError, match="needs the network theirs") as fault:
        export_version(foreign, kind, tmp_path / f"out.{kind}")
    assert "charcnn.networks" in fault.value.hint
    assert not (tmp_path / f"out.{kind}").exists()


def test_weights_that_do_not_fit_the_network_are_named(version: Version, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    with registry.staging() as folder:
        save_file({"0.weight": torch.zeros(3)}, folder / WEIGHTS_FILE)
        wrong = registry.publish(folder, version.card)
    with pytest.raises(IntegrityError, match="weights of small12@1 do not fit the network cnn"):
        load_network(wrong)


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 7, b"\xff" * 8, b"\x08\x00\x00\x00\x00\x00\x00\x00nonsense", b"\x80\x04."]
)
def test_a_damaged_safetensors_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"bad\.safetensors"):
        read_weights(tmp_path / "bad.safetensors")


def test_a_loaded_network_is_ready_to_read(version: Version) -> None:
    assert not any(part.training for part in load_network(version).modules())


@pytest.mark.parametrize("kind", FORMATS)
def test_the_default_network_goes_into_every_format(starter: Path, tmp_path: Path, kind: ExportFormat) -> None:
    """Its weights are stored channels-last."""
    from charcnn.specs.train_config import TrainConfig
    from charcnn.training.train import train

    config = TrainConfig(data=(str(starter / "test"),), epochs=1, precision="fp32")
    version = train(config, registry=Registry(tmp_path / "registry")).version
    assert version.card.network.name == "compact"
    path = tmp_path / f"model.{kind}"
    assert export_version(version, kind, path) < 1e-5
    assert path.is_file()


def test_a_folder_as_path_is_refused(version: Version, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder") as fault:
        export_version(version, "onnx", tmp_path)
    assert "model.onnx" in fault.value.hint
