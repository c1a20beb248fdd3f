"""Mistyped commands → messages, and hints in the words of this command line."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from charcnn.cli.suggestions import quote
from charcnn.specs.choices import closest_choice
from charcnn.text import one_of

_FLAGS_OF_OTHER_TOOLS: dict[str, tuple[str, ...]] = {
    "--arch --architecture --network --backbone --model-name": ("--net",),
    "--aug --augmentation --auto-augment --aa": ("--augment",),
    "--batch --bs --batchsize --batch-sz": ("--batch-size",),
    "--bn --batchnorm": ("--batch-norm",),
    "--cfg --config-file": ("--config",),
    "--criterion --loss-fn --loss-function": ("--loss",),
    "--cuda --gpu --gpus": ("--device",),
    "--data-dir --data-path --dataset --root --train-dir --train-data": ("--data",),
    "--test --test-data --test-dir": ("--data",),
    "--drop --drop-rate": ("--dropout",),
    "--early-stopping --early-stop": ("--patience",),
    "--epoch --n-epochs --num-epochs --max-epochs --iters": ("--epochs",),
    "--img --image-size --input-size --img-height": ("--size",),
    "--learning-rate --learningrate --lr0 --base-lr": ("--lr",),
    "--lr-scheduler --scheduler --lr-schedule --sched": ("--schedule",),
    "--n --num --number --count": ("--copies", "--per-class", "--top-k"),
    "--optim --solver": ("--opt",),
    "--output --output-dir --output-file --out-dir --dest --save --save-dir --project --out": ("--out", "--registry"),
    "--half --amp --fp16 --bf16": ("--precision",),
    "--random-state --manual-seed --random-seed": ("--seed",),
    "--topk --top": ("--top-k",),
    "--val-size --val-ratio --validation-split --test-size": ("--val-split", "--test-split"),
    "--val-data --validation --val-dir": ("--val",),
    "--wd --decay --l2": ("--weight-decay",),
    "--weights --checkpoint --ckpt --load --pretrained --finetune": ("--init-from", "--model"),
    "--workers --num-workers --processes --njobs --n-jobs": ("--jobs", "--threads"),
}
"""Flags that other tools have, and the flags of this one for the same, the first one that a command has counting."""

_FLAGS_OF_IMAGES = ("--data", "--file", "--files", "--image", "--images", "--input", "--source")
"""Flags of other tools for images, which are arguments here."""


def explain_usage(fault: typer.TyperException) -> tuple[str, str]:
    """Return the message and the hint for a mistyped command."""
    command = getattr(getattr(fault, "ctx", None), "command_path", "charcnn")
    parameter = getattr(fault, "param", None)
    if parameter is None or not fault.message:
        extra = re.fullmatch(r"Got unexpected extra argument\(?s?\)? ?\((?P<words>.*)\)", fault.message or "")
        if extra:
            typed = extra["words"]
            is_path = os.path.exists(typed)  # noqa: PTH110 - Path raises where the name is too long
            words = [typed] if is_path else typed.split(" ")  # a path may have spaces
            return f"Unexpected argument: {extra['words']}", _option_for(command, words) or _ask_help(command)
        hint = _closest_option(fault) or _ask_help(command) + _after_two_dashes(fault, command)
        return fault.message or fault.format_message(), hint
    name = next((flag for flag in parameter.opts if flag.startswith("--")), parameter.name.upper())
    reason = fault.message.removeprefix("Value error, ").replace("Input should", "must")
    choice = re.fullmatch("'(?P<typed>.*)' is not one of (?P<known>.*)\\.", reason)
    if choice is None:
        reason = reason.partition(", unable to parse")[0]
        return f"{name}: {reason[:1].lower()}{reason[1:]}", _ask_help(command)
    known = re.findall("'([^']*)'", choice["known"])
    closest = closest_choice(choice["typed"], known)
    return f"{name} {choice['typed']}: must be {one_of(known)}", f"Did you mean {closest}?" if closest else ""


def _ask_help(command: str) -> str:
    return f"{command} --help lists the options."


def _option_for(command: str, words: Sequence[str]) -> str:
    """Return the command with the options that arguments were meant for; empty where that is not known."""
    verb = command.rpartition(" ")[2]
    if verb == "train" and len(words) == 1:
        return f"{command} --data {quote(words[0])}"
    if verb in ("evaluate", "export") and len(words) == 1:
        is_data = verb == "evaluate" and _is_dataset(words[0])
        return f"{command} {'--data' if is_data else '--model'} {quote(words[0])}"
    if verb == "evaluate" and len(words) == 2:
        return f"{command} --model {quote(words[0])} --data {quote(words[1])}"
    return ""


def _is_dataset(typed: str) -> bool:
    """Return whether an argument is a folder, but not of a model; False where it is too long for a path."""
    try:
        return Path(typed).is_dir() and not Path(typed, "card.json").is_file()
    except OSError:
        return False


def _closest_option(fault: typer.TyperException) -> str:
    """Return the option, or the place for it, that may have been meant; empty where none is known."""
    typed, context = getattr(fault, "option_name", None), getattr(fault, "ctx", None)
    if typed is None or context is None:
        known: Sequence[str] = getattr(fault, "possibilities", None) or ()
        return f"Did you mean {' or '.join(known[:2])}?" if known else ""
    if context.command.name == "train" and _canonical(typed) in ("--test", "--test-data", "--test-dir"):
        given = next((value for word, value in pairwise(sys.argv) if word == typed), "FOLDER")
        return f"After training: {context.command_path.removesuffix('train')}evaluate --data {quote(given)}"
    meant = _translated(typed, _flags(context.command))
    if meant:
        return f"Did you mean {meant}?"
    if typed in _FLAGS_OF_IMAGES and "predict" in context.command_path:
        return f"Images are arguments without a flag: {context.command_path} FILE…"
    inner = getattr(context.command, "commands", {})
    owners = [name for name, command in inner.items() if not command.hidden and typed in _flags(command)]
    if owners:
        return f"{typed} belongs to a subcommand: {context.command_path} {owners[0]} {typed} …"
    known = getattr(fault, "possibilities", None) or ()
    if known:
        return f"Did you mean {' or '.join(known[:2])}?"
    if inner and context.parent is None:
        return f"Options follow the command: {context.command_path} COMMAND {typed} …"
    return ""


def _after_two_dashes(fault: typer.TyperException, command: str) -> str:
    """Return how to type an argument that begins with a dash, if one was taken for an option; else an empty text."""
    option: str | None = getattr(fault, "option_name", None)
    parameters = getattr(getattr(getattr(fault, "ctx", None), "command", None), "params", ())
    if (
        option is None
        or option.startswith("--")
        or not any(parameter.param_type_name == "argument" for parameter in parameters)
    ):
        return ""
    word = next((word for word in sys.argv[1:] if word.startswith(option)), option)
    return f" Arguments that begin with a dash go after --: {command} -- {quote(word)}"


def _translated(typed: str, flags: Iterable[str]) -> str:
    """Return the flag for what another tool calls so, if it is one of these; empty where there is none."""
    word = _canonical(typed)
    for words, candidates in _FLAGS_OF_OTHER_TOOLS.items():
        if word in words.split():
            return next((flag for flag in candidates if flag in flags), "")
    return word if word in flags else ""


def _canonical(flag: str) -> str:
    return flag.casefold().replace("_", "-")


def _flags(command: Any) -> list[str]:
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    return [flag for parameter in shown for flag in (*parameter.opts, *parameter.secondary_opts)]
