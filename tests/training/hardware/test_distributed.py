"""Several processes that train one network together."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from charcnn.networks.catalogue import get_network
from charcnn.training.hardware.distributed import ALONE, ProcessGroup, process_group


def test_a_single_process_has_every_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with process_group(torch.device("cpu")) as group:
        assert group == ALONE
        assert group.leads
        assert torch.equal(group.share(torch.arange(7)), torch.arange(7))
        values = torch.tensor([1.5, -2.0], dtype=torch.float64)
        assert torch.equal(group.sum(values), values)
        network = torch.nn.Linear(2, 2)
        assert group.together(network) is network
        group.wait()  # for nobody


@given(images=st.integers(0, 50), size=st.integers(1, 9))
def test_every_image_belongs_to_one_process(images: int, size: int) -> None:
    batch = torch.randperm(images, generator=torch.Generator().manual_seed(images))
    shares = [ProcessGroup(rank, size, rank).share(batch) for rank in range(size)]
    assert sorted(torch.cat(shares).tolist()) == list(range(images))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [group.leads for group in (ProcessGroup(0, 2, 0), ProcessGroup(1, 2, 1))] == [True, False]


def test_two_processes_train_one_model(starter: Path, tmp_path: Path) -> None:
    flags = ("--net", "lenet", "--epochs", "2", "--batch-size", "16", "--precision", "fp32", "--val-split", "0.2")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *("-m", "charcnn", "train", "--data", str(starter / "test"), *flags),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "chars12@1\n"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("2/2 ") == 1  # one of them talks
    models = tmp_path / "registry/chars12"
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["1"]
    card = json.loads((models / "1/card.json").read_text("utf-8"))
    assert card["environment"]["processes"] == 2
    assert (card["data"]["train"], card["data"]["val"]) == (48, 12)
    weights = load_file(models / "1/model.safetensors")
    assert all(torch.isfinite(weight).all() for weight in weights.values())
    get_network("lenet").build(12).load_state_dict(weights)
    with (models / "1/history.csv").open(newline="") as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream)]
    assert losses[1] < losses[0]
