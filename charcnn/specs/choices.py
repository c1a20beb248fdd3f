"""Closed sets of values for settings. No pydantic, so that the command line can show and complete them quickly."""

from typing import Literal

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
