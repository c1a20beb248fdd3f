"""Train and run small CNNs that recognize a small set of handwritten characters.

    import charcnn

    charcnn.train(charcnn.TrainConfig(data=("train",), epochs=3))
    charcnn.load("latest").predict("photo.png").label

Names are imported on first use, so that prediction does not wait for torch to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charcnn.datasets.arrays import LabeledImages as LabeledImages
    from charcnn.datasets.generate.augment import AugmentResult as AugmentResult
    from charcnn.datasets.generate.augment import augment as augment
    from charcnn.datasets.generate.rotation import AugmentRanges as AugmentRanges
    from charcnn.datasets.generate.synth import synth as synth
    from charcnn.datasets.scan import DatasetIndex as DatasetIndex
    from charcnn.errors import BundleError as BundleError
    from charcnn.errors import CardError as CardError
    from charcnn.errors import CharcnnError as CharcnnError
    from charcnn.errors import ConfigError as ConfigError
    from charcnn.errors import DatasetError as DatasetError
    from charcnn.errors import DatasetNotFoundError as DatasetNotFoundError
    from charcnn.errors import ExportError as ExportError
    from charcnn.errors import GlyphError as GlyphError
    from charcnn.errors import ImageError as ImageError
    from charcnn.errors import IntegrityError as IntegrityError
    from charcnn.errors import MissingDependencyError as MissingDependencyError
    from charcnn.errors import ModelError as ModelError
    from charcnn.errors import ModelFileError as ModelFileError
    from charcnn.errors import ModelNotFoundError as ModelNotFoundError
    from charcnn.errors import OverwriteError as OverwriteError
    from charcnn.errors import ParityError as ParityError
    from charcnn.errors import RunNotFoundError as RunNotFoundError
    from charcnn.errors import TrainingError as TrainingError
    from charcnn.errors import TrainingInterrupted as TrainingInterrupted
    from charcnn.errors import UnknownLabelError as UnknownLabelError
    from charcnn.errors import UnknownNetworkError as UnknownNetworkError
    from charcnn.errors import UnlabeledError as UnlabeledError
    from charcnn.evaluation.evaluate import evaluate as evaluate
    from charcnn.evaluation.evaluation import ClassScores as ClassScores
    from charcnn.evaluation.evaluation import Evaluation as Evaluation
    from charcnn.evaluation.metrics import ConfusionMatrix as ConfusionMatrix
    from charcnn.evaluation.score import Scored as Scored
    from charcnn.evaluation.score import score as score
    from charcnn.export.load_network import load_network as load_network
    from charcnn.handwriting.style import WritingStyle as WritingStyle
    from charcnn.inference.prediction import Guess as Guess
    from charcnn.inference.prediction import Prediction as Prediction
    from charcnn.inference.predictor import Predictor as Predictor
    from charcnn.networks.blocks import plain_layers as plain_layers
    from charcnn.networks.catalogue import register_network as register_network
    from charcnn.registry.reader import VersionInfo as VersionInfo
    from charcnn.registry.references import Reference as Reference
    from charcnn.registry.store import Registry as Registry
    from charcnn.registry.version import Version as Version
    from charcnn.specs.card import DataFacts as DataFacts
    from charcnn.specs.card import Environment as Environment
    from charcnn.specs.card import ModelCard as ModelCard
    from charcnn.specs.card import NetworkFacts as NetworkFacts
    from charcnn.specs.card import Scores as Scores
    from charcnn.specs.card import TrainingFacts as TrainingFacts
    from charcnn.specs.image import ImageSpec as ImageSpec
    from charcnn.specs.resolved_config import ResolvedConfig as ResolvedConfig
    from charcnn.specs.train_config import TrainConfig as TrainConfig
    from charcnn.specs.train_config import TrainSettings as TrainSettings
    from charcnn.training.callbacks import Batch as Batch
    from charcnn.training.callbacks import Callback as Callback
    from charcnn.training.history import EpochRecord as EpochRecord
    from charcnn.training.history import History as History
    from charcnn.training.optim.batch_augment import Strength as Strength
    from charcnn.training.resolve import ImageFacts as ImageFacts
    from charcnn.training.resolve import MachineFacts as MachineFacts
    from charcnn.training.resolve import resolve_config as resolve_config
    from charcnn.training.step import StepResult as StepResult
    from charcnn.training.step import train_step as train_step
    from charcnn.training.train import Trained as Trained
    from charcnn.training.train import resume as resume
    from charcnn.training.train import train as train

    load = Predictor.load

__version__: str

_NAMES_BY_MODULE = {
    "charcnn.training.resolve": (
        "ImageFacts",
        "MachineFacts",
        "resolve_config",
    ),
    "charcnn.training.optim.batch_augment": ("Strength",),
    "charcnn.registry.references": ("Reference",),
    "charcnn.registry.reader": ("VersionInfo",),
    "charcnn.networks.blocks": ("plain_layers",),
    "charcnn.export.load_network": ("load_network",),
    "charcnn.evaluation.metrics": ("ConfusionMatrix",),
    "charcnn.datasets.scan": ("DatasetIndex",),
    "charcnn.datasets.arrays": ("LabeledImages",),
    "charcnn.datasets.generate.augment": ("AugmentResult", "augment"),
    "charcnn.datasets.generate.rotation": ("AugmentRanges",),
    "charcnn.datasets.generate.synth": ("synth",),
    "charcnn.errors": (
        *("BundleError", "CardError", "CharcnnError", "ConfigError", "DatasetError", "DatasetNotFoundError"),
        *("ExportError", "GlyphError", "ImageError", "IntegrityError", "MissingDependencyError"),
        *("ModelError", "ModelFileError"),
        *(
            "ModelNotFoundError",
            "OverwriteError",
            "ParityError",
            "RunNotFoundError",
            "TrainingError",
            "TrainingInterrupted",
        ),
        *("UnknownLabelError", "UnknownNetworkError", "UnlabeledError"),
    ),
    "charcnn.evaluation.evaluate": ("evaluate",),
    "charcnn.evaluation.evaluation": ("ClassScores", "Evaluation"),
    "charcnn.evaluation.score": ("Scored", "score"),
    "charcnn.handwriting.style": ("WritingStyle",),
    "charcnn.inference.prediction": ("Guess", "Prediction"),
    "charcnn.inference.predictor": ("Predictor",),
    "charcnn.networks.catalogue": ("register_network",),
    "charcnn.registry.store": ("Registry",),
    "charcnn.registry.version": ("Version",),
    "charcnn.specs.card": ("DataFacts", "Environment", "ModelCard", "NetworkFacts", "Scores", "TrainingFacts"),
    "charcnn.specs.image": ("ImageSpec",),
    "charcnn.specs.resolved_config": ("ResolvedConfig",),
    "charcnn.specs.train_config": ("TrainConfig", "TrainSettings"),
    "charcnn.training.callbacks": ("Batch", "Callback"),
    "charcnn.training.history": ("EpochRecord", "History"),
    "charcnn.training.step": ("StepResult", "train_step"),
    "charcnn.training.train": ("Trained", "resume", "train"),
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = ["__version__", "load", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name == "load":
        return __getattr__("Predictor").load
    if name == "__version__":
        from importlib.metadata import version  # slower to import than the rest of this module

        return version("charcnn")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'charcnn' has no attribute {name!r}")
    try:
        module = import_module(_MODULE_OF[name])
    except ModuleNotFoundError as fault:
        from charcnn.dependencies import explain_import

        raise explain_import(fault, f"charcnn.{name}") from None
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
