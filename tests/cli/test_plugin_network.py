"""A network of an installed package, found by its entry point."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from torch import nn

import charcnn


@charcnn.register_network("plugged", sizes=[28], summary="of a plugin")
def plugged(classes: int, *, channels: int = 4, is_deep: bool = False) -> nn.Module:
    layers = [nn.Conv2d(1, channels, 3), nn.ReLU(), nn.MaxPool2d(13), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(4 * channels, classes))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder on the path with the package `plug`, as an installer leaves it."""
    folder = tmp_path / "site"
    info = folder / "plug-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[charcnn.networks]\nplugged = plug_networks\n")
    (folder / "plug_networks.py").write_text(MODULE)
    return folder


def charcnn(installed: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "charcnn", *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done


def test_it_is_listed_trained_resumed_read_and_exported(installed: Path, starter: Path, tmp_path: Path) -> None:
    assert "--net-option channels=" in charcnn(installed, "networks").stdout
    options = ("--net-option", "channels=6", "--net-option", "is-deep=true")
    train = ("train", "--data", str(starter / "test"), "--net", "Plugged", "--epochs", "1", *options)
    assert charcnn(installed, *train).stdout == "chars12@1\n"
    card = json.loads((tmp_path / "registry/chars12/1/card.json").read_text("utf-8"))
    assert card["network"]["name"] == "plugged"
    assert card["network"]["options"] == {"channels": 6, "is_deep": True}
    (run,) = (tmp_path / "registry/.runs").iterdir()
    assert charcnn(installed, "train", "--resume", run.name, "--epochs", "2").stdout == "chars12@2\n"
    assert charcnn(installed, "predict", str(starter / "ttest" / "1.bmp")).stdout.strip()
    charcnn(installed, "export", "--format", "safetensors", "-o", "it.safetensors")
    assert (tmp_path / "it.safetensors").is_file()


def test_a_wrong_option_is_refused_by_its_flag(installed: Path, starter: Path, tmp_path: Path) -> None:
    train = ("train", "--data", str(starter / "test"), "--net", "plugged", "--net-option")
    assert "--net-option channels=many: " in charcnn(installed, *train, "channels=many", code=2).stderr
    assert "Did you mean channels?" in charcnn(installed, *train, "chanels=3", code=2).stderr
    assert not (tmp_path / "registry/chars12").exists()


def test_without_the_package_its_network_is_unknown_and_nothing_is_written(tmp_path: Path) -> None:
    done = charcnn(tmp_path, "train", "--net", "plugged", code=2)
    assert "Unknown network: plugged" in done.stderr
    assert "charcnn networks lists them." in done.stderr
    assert not (tmp_path / "data").exists()
