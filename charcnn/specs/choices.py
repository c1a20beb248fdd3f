"""The closed choices of settings, as `Literal`s. No pydantic: the command line shows them without waiting for it."""

from typing import Literal

Fit = Literal["stretch", "pad", "ink"]
Polarity = Literal["auto", "dark-on-light", "light-on-dark"]
Activation = Literal["relu", "sigmoid", "tanh", "leaky-relu", "prelu"]
Optimizer = Literal["sgd", "nesterov", "adam", "adamw", "rmsprop", "gd"]
Loss = Literal["ce", "mse", "l1"]
Schedule = Literal["constant", "cosine", "onecycle"]
ClassWeights = Literal["none", "inverse", "sqrt"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Augmentation = Literal["off", "light", "strong"]
Precision = Literal["auto", "fp32", "bf16"]
