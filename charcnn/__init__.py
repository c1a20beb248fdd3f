"""charcnn: small CNNs that read a small set of handwritten characters.

    import charcnn

    charcnn.train(charcnn.TrainConfig(data=("train",), epochs=3))
    charcnn.load("latest").predict("photo.png").label

Names are resolved when they are first used, so that reading an image never waits for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charcnn.datasets.generate.augment import AugmentResult, augment
    from charcnn.datasets.generate.rotation import AugmentRanges
    from charcnn.datasets.generate.synth import synth
    from charcnn.evaluation.evaluate import evaluate
    from charcnn.evaluation.evaluation import Evaluation
    from charcnn.handwriting.style import WritingStyle
    from charcnn.inference.prediction import Prediction
    from charcnn.inference.predictor import Predictor
    from charcnn.registry.store import Registry
    from charcnn.specs.card import ModelCard
    from charcnn.specs.image import ImageSpec
    from charcnn.specs.train_config import TrainConfig
    from charcnn.training.train import Trained, resume, train

    load = Predictor.load

__version__: str

_HOMES = {
    "AugmentRanges": "charcnn.datasets.generate.rotation",
    "AugmentResult": "charcnn.datasets.generate.augment",
    "Evaluation": "charcnn.evaluation.evaluation",
    "ImageSpec": "charcnn.specs.image",
    "ModelCard": "charcnn.specs.card",
    "Prediction": "charcnn.inference.prediction",
    "Predictor": "charcnn.inference.predictor",
    "Registry": "charcnn.registry.store",
    "TrainConfig": "charcnn.specs.train_config",
    "Trained": "charcnn.training.train",
    "WritingStyle": "charcnn.handwriting.style",
    "augment": "charcnn.datasets.generate.augment",
    "evaluate": "charcnn.evaluation.evaluate",
    "resume": "charcnn.training.train",
    "synth": "charcnn.datasets.generate.synth",
    "train": "charcnn.training.train",
}

__all__ = [
    "AugmentRanges",
    "AugmentResult",
    "Evaluation",
    "ImageSpec",
    "ModelCard",
    "Prediction",
    "Predictor",
    "Registry",
    "TrainConfig",
    "Trained",
    "WritingStyle",
    "__version__",
    "augment",
    "evaluate",
    "load",
    "resume",
    "synth",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "load":
        return __getattr__("Predictor").load
    if name == "__version__":
        from importlib.metadata import version  # takes longer to import than all the rest of this module

        return version("charcnn")
    if name not in _HOMES:
        raise AttributeError(f"module 'charcnn' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
