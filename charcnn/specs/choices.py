"""Closed sets of values for settings. No pydantic, so that the command line can show and complete them quickly."""

from collections.abc import Collection
from typing import Literal

from charcnn.text import best_match

Fit = Literal["stretch", "pad", "ink"]
Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Activation = Literal["relu", "sigmoid", "tanh", "leaky-relu", "prelu"]
Loss = Literal["ce", "mse", "l1"]
Schedule = Literal["constant", "cosine", "onecycle"]
ClassWeights = Literal["none", "inverse", "sqrt"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Augmentation = Literal["off", "light", "strong"]
Precision = Literal["auto", "fp32", "bf16"]
Neatness = Literal["neat", "normal", "hasty"]
Pen = Literal["fineliner", "ballpoint", "pencil", "marker"]
Paper = Literal["scan", "gray", "photo", "tablet"]
SplitForm = Literal["list", "copy"]
ExportFormat = Literal["onnx", "pt2", "safetensors"]

_SYNONYMS = {
    "gpu": "cuda",
    "cuda:0": "cuda",
    "0": "cuda",
    "metal": "mps",
    "crossentropy": "ce",
    "crossentropyloss": "ce",
    "nll": "ce",
    "nllloss": "ce",
    "mseloss": "mse",
    "meansquarederror": "mse",
    "l1loss": "l1",
    "mae": "l1",
    "leakyrelu": "leaky-relu",
    "logistic": "sigmoid",
    "gradientdescent": "gd",
    "cosineannealing": "cosine",
    "cosineannealinglr": "cosine",
    "onecyclelr": "onecycle",
    "1cycle": "onecycle",
    "none": "off",
    "no": "off",
    "false": "off",
    "balanced": "inverse",
    "fp16": "bf16",
    "half": "bf16",
    "amp": "bf16",
    "bfloat16": "bf16",
    "float32": "fp32",
    "32": "fp32",
}
"""Words of other tools, in lower case without `-` and `_`, and the choices that mean the same or come closest."""


def closest_choice(typed: str, choices: Collection[str]) -> str | None:
    """Return the choice that may have been meant: a synonym, or else one of similar spelling; None where none is."""
    synonym = _SYNONYMS.get(typed.casefold().replace("-", "").replace("_", ""))
    return synonym if synonym in choices else best_match(typed.casefold(), choices)
