"""The three commands of the first day, word for word, as processes of their own, the first time and again."""

import json
import subprocess
import sys
from pathlib import Path

THREE = ("augment ttest tttest", "train --opt adam", "predict --model latest")


def charcnn(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "charcnn", *line.split()], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )


def test_three_commands_work_with_nothing_there_and_again(tmp_path: Path) -> None:
    from charcnn.datasets.generate.synth import synth

    first = charcnn(THREE[0], tmp_path)
    assert first.returncode == 0, first.stderr
    assert "writing the starter set" in first.stderr
    assert len(list((tmp_path / "data/train").rglob("*.bmp"))) == 12 * 500
    assert len(list((tmp_path / "data/test").rglob("*.bmp"))) == 12 * 100
    assert len(list((tmp_path / "data/tttest").glob("*.bmp"))) == 120

    synth(root=tmp_path / "data", per_class=5, test_per_class=2)  # the same set, smaller: trained on twice, in time
    for round_number in (1, 2):
        for line in THREE:
            done = charcnn(line, tmp_path)
            assert done.returncode == 0, f"{line}: {done.stderr}"
            assert "Traceback" not in done.stderr
        card = json.loads((tmp_path / f"registry/chars12/{round_number}/card.json").read_text("utf-8"))
        assert card["training"]["command"] == "charcnn train --opt adam"
        assert f"chars12@{round_number}" in done.stderr
        assert "120 images" in done.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    text = charcnn("--help", tmp_path).stdout
    for command in ("synth", "augment", "train", "evaluate", "predict", "export", "models", "networks", "data"):
        assert command in text
