"""Every way to go wrong that a person will find: one red line that names it, one that helps, never a traceback."""

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from charcnn.cli.startup import _PipeWriter

Cli = Callable[..., Result]


def class_folders(root: Path, classes: str = "ab", images: int = 4) -> Path:
    """A tiny dataset of noise: enough to be refused for other reasons."""
    rng = np.random.default_rng(0)
    for label in classes:
        (root / label).mkdir(parents=True)
        for number in range(images):
            Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(root / label / f"{number}.png")
    return root


def check(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr, f"{word!r} is not in: {result.stderr}"


@pytest.mark.parametrize("command", ["train --data no/such", "augment no/such new", "evaluate --data no/such"])
def test_missing_dataset_is_named(cli: Cli, tmp_path: Path, trained: Path, command: str) -> None:
    shutil.copytree(trained, tmp_path / "registry")
    check(cli(*command.split()), 1, "Dataset not found: no/such")


def test_evaluate_without_a_model_says_how_to_get_one(cli: Cli, starter: Path) -> None:
    check(cli("evaluate", "--data", starter / "test"), 1, "no model", "charcnn train")


def test_empty_dataset_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    check(cli("train", "--data", "empty"), 1, "contains no images")


def test_class_without_images_is_named(cli: Cli, tmp_path: Path) -> None:
    class_folders(tmp_path / "set")
    (tmp_path / "set/学").mkdir()
    check(cli("train", "--data", "set"), 1, "学", "has no images")


def test_single_class_is_refused(cli: Cli, tmp_path: Path) -> None:
    class_folders(tmp_path / "set", classes="a")
    check(cli("train", "--data", "set"), 1, "only one class")


def test_label_the_model_does_not_know_is_named(cli: Cli, tmp_path: Path, trained: Path) -> None:
    class_folders(tmp_path / "set", classes="博龘")
    check(cli("evaluate", "--data", "set", "--registry", trained), 1, "does not know", "龘")


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.png", b"", "is empty"),
        ("text.png", b"this is no image at all", "not a readable image"),
        ("short.png", None, "damaged"),
    ],
)
def test_broken_image_is_named_and_the_rest_trained_on(
    cli: Cli, tmp_path: Path, name: str, content: bytes | None, word: str
) -> None:
    class_folders(tmp_path / "set", images=6)
    if content is None:
        noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
        content = (tmp_path / name).read_bytes()[:2000]
    (tmp_path / "set/a" / name).write_bytes(content)
    check(cli("train", "--data", "set", "--epochs", 1, "--net", "lenet"), 0, name, word, "1 of 13 images")
    check(cli("train", "--data", "set", "--epochs", 1, "--net", "lenet", "--strict"), 1, name)


def test_gigantic_image_is_refused_before_decoding(cli: Cli, tmp_path: Path, trained: Path) -> None:
    header = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR"
    header += (30_000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    import zlib

    header += zlib.crc32(header[12:]).to_bytes(4, "big")
    (tmp_path / "huge.png").write_bytes(header + b"\0\0\0\0IEND\xae\x42\x60\x82")
    check(cli("predict", "huge.png", "--registry", trained), 1, "huge.png", "100 million")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--net", "lennet"), ("Unknown network: lennet", "lenet")),
        (("--opt", "adm"), ("--opt adm: must be sgd", "Did you mean adam?")),
        (("--loss", "cee"), ("--loss cee: must be ce", "Did you mean ce?")),
        (("--net", "resnet18", "--batch-norm"), ("resnet18", "--batch-norm")),
        (("--epochs", "0"), ("epochs",)),
        (("--opt", "adam", "--momentum", "0.9"), ("momentum", "adam")),
        (("--name", "latest"), ("latest", "reserved")),
    ],
)
def test_wrong_setting_offers_the_closest(
    cli: Cli, flags: tuple[str, ...], words: tuple[str, ...], starter: Path
) -> None:
    result = cli("train", "--data", starter / "train", *flags)
    check(result, 1 if "--name" in flags else 2, *words)


def test_unknown_config_key_offers_the_closest(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text('lerning_rate = 0.1\nopt = "adam"\n')
    check(cli("train", "--config", "train.toml"), 2, "Unknown setting: lerning_rate")
    (tmp_path / "train.toml").write_text("batchsize = 3\n")
    check(cli("train", "--config", "train.toml"), 2, "batchsize", "batch_size")
    (tmp_path / "train.toml").write_text("= 3\n")
    check(cli("train", "--config", "train.toml"), 2, "not TOML")
    check(cli("train", "--config", "no.toml"), 2, "No such config file")


def test_predict_without_a_model_says_how_to_get_one(cli: Cli) -> None:
    check(cli("predict", "x.png"), 1, "no model", "charcnn train")


def test_unknown_model_offers_the_closest(cli: Cli, trained: Path) -> None:
    check(cli("predict", "x.png", "--model", "smal12", "--registry", trained), 1, "smal12", "small12")
    check(cli("predict", "x.png", "--model", "small12@7", "--registry", trained), 1, "small12 has no version 7")


def test_card_from_a_newer_schema_asks_to_upgrade(cli: Cli, tmp_path: Path, trained: Path) -> None:
    registry = shutil.copytree(trained, tmp_path / "registry")
    card = registry / "small12/1/card.json"
    card.write_text(json.dumps({**json.loads(card.read_text("utf-8")), "schema_version": 99}), "utf-8")
    check(cli("predict", "x.png"), 1, "schema version 99", "Upgrade")


def test_damaged_model_file_is_refused_and_found(cli: Cli, tmp_path: Path, trained: Path, starter: Path) -> None:
    registry = shutil.copytree(trained, tmp_path / "registry")
    path = registry / "small12/1/model.onnx"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    check(cli("predict", starter / "ttest"), 1, "model.onnx", "sha256 mismatch")
    result = cli("models", "verify", "small12")
    assert result.exit_code == 1
    assert "model.onnx was modified" in result.stdout


def test_pickle_is_refused_by_name(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04.")
    check(cli("predict", "x.png", "--model", "model.pt"), 1, "model.pt", "pickle")


def test_file_in_the_place_of_the_registry_is_named(cli: Cli, tmp_path: Path, starter: Path) -> None:
    (tmp_path / "registry").write_text("a file where a folder should be")
    check(cli("train", "--data", starter / "train"), 1, "registry")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_registry_without_write_permission_is_named(cli: Cli, tmp_path: Path, starter: Path) -> None:
    (tmp_path / "registry").mkdir(mode=0o500)
    check(cli("train", "--data", starter / "train"), 1, "registry", "permissions")


@pytest.mark.parametrize(("number", "word"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permissions")])
def test_full_disk_and_refused_writing_are_said(
    cli: Cli, starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    whole = os.open

    def refuse(path: str, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_TRUNC and str(path).endswith(".bmp"):
            raise OSError(number, os.strerror(number), path)
        return whole(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    check(cli("augment", starter / "ttest", "new"), 1, os.strerror(number), word)
    assert not (tmp_path / "new").exists()


def test_missing_system_library_is_named_with_its_package(tmp_path: Path, starter: Path) -> None:
    (tmp_path / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
    )
    done = subprocess.run(
        [sys.executable, "-m", "charcnn", "augment", str(starter / "ttest"), "new"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert "libGL.so.1" in done.stderr
    assert "apt install libgl1" in done.stderr
    assert "Traceback" not in done.stderr


def test_flips_are_refused_with_the_reason(cli: Cli, starter: Path) -> None:
    check(cli("augment", starter / "ttest", "new", "--flip"), 2, "not flipped")


def test_foreign_files_are_not_overwritten(cli: Cli, starter: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/diary.txt").write_text("mine")
    check(cli("augment", starter / "ttest", "new"), 1, "diary.txt", "--force")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["diary.txt"]


def test_debug_shows_the_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from charcnn.errors import DatasetError

    monkeypatch.setenv("CHARCNN_DEBUG", "1")
    assert isinstance(cli("augment", "no/such", "new").exception, DatasetError)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train --epocs 3", ("--epocs", "Did you mean --epochs")),
        ("trian", ("trian", "train")),
        ("train --epochs three", ("--epochs", "integer", "train --help")),
        ("augment", ("SRC", "augment --help")),
        ("synth -?", ("-?", "synth --help", "go after --: charcnn synth -- '-?'")),
        ("predict -1.png", ("-1", "go after --: charcnn predict -- -1")),
    ],
)
def test_a_mistyped_command_line_is_answered_with_what_to_type(cli: Cli, line: str, words: tuple[str, ...]) -> None:
    check(cli(*line.split()), 2, *words)


def test_two_dashes_are_suggested_only_where_they_help(cli: Cli) -> None:
    assert "after --" not in cli("train", "-?").stderr
    assert "after --" not in cli("synth", "--per-clas", 3).stderr
    assert cli("synth", "--per-class", 2, "--test-per-class", 1, "--", "-?").exit_code == 0


def _run_without_reader(line: str, folder: Path, *, without_stderr: bool = False) -> tuple[int, str]:
    """Run `charcnn LINE` into a pipe without a reader; return exit code and stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    stderr = writing if without_stderr else subprocess.PIPE
    words = [sys.executable, "-m", "charcnn", *line.split()]
    done = subprocess.run(words, cwd=folder, stdout=writing, stderr=stderr, encoding="utf-8")
    os.close(writing)
    return done.returncode, done.stderr or ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")
@pytest.mark.parametrize("line", ["models schema", "train --help", "--version"])
def test_a_closed_pipe_is_not_an_error(tmp_path: Path, line: str) -> None:
    assert _run_without_reader(line, tmp_path) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")
def test_exit_code_and_messages_do_not_depend_on_a_reader(tmp_path: Path, trained: Path, starter: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    line = f"predict {starter / 'ttest'} bad.png --json --registry {trained}"
    code, said = _run_without_reader(line, tmp_path)
    assert (code, said.splitlines()[-2:-1]) == (0, ["Read 120 images with small12@1. 1 could not be read."])
    assert _run_without_reader(f"{line} --strict", tmp_path)[0] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")
def test_a_training_without_a_reader_saves_its_model(tmp_path: Path, starter: Path) -> None:
    line = f"train --data {starter / 'test'} --net lenet --epochs 1 --name unread"
    assert _run_without_reader(line, tmp_path, without_stderr=True)[0] == 0
    assert (tmp_path / "registry/unread/1/model.onnx").is_file()


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="only Linux has files that refuse a short write with EINVAL")
def test_windows_reports_a_pipe_without_a_reader_as_an_invalid_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    with _PipeWriter(os.eventfd(0), "w") as pipe:
        with pytest.raises(OSError, match="Invalid argument"):
            pipe.write(b"text")
        with monkeypatch.context() as patch:
            patch.setattr(os, "name", "nt")
            written = pipe.write(b"text")
    assert written == 4


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_messages_are_not_buffered(tmp_path: Path, unbuffered: str) -> None:
    code = (
        "import os, sys\n"
        "from charcnn.cli.startup import tuned_process\n"
        "with tuned_process():\n"
        "    sys.stderr.write('first\\n')\n"
        "    os.write(2, b'second')\n"
    )
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.split() == ["first", "second"]


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_streams_closed_by_the_shell_are_not_an_error(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m charcnn networks --json"
    done = subprocess.run(f"{command} >&-", shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run(f"{command} >&- 2>&-", shell=True, cwd=tmp_path).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("start", ["installed script", "-m charcnn"])
def test_ctrl_c_while_loading_shows_no_traceback(tmp_path: Path, start: str) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as stream:
        module, _, function = tomllib.load(stream)["project"]["scripts"]["charcnn"].partition(":")
    script = f"import sys\nfrom {module} import {function}\nsys.exit({function}())"
    done = subprocess.run(
        [sys.executable, *(["-c", script] if start == "installed script" else start.split()), "networks"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
