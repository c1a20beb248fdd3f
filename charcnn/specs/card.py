"""The model card: facts about a version, recorded when it is created."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from charcnn.specs.base import Document, FileName, Sha256, StrictModel
from charcnn.specs.choices import Polarity
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import OptionValue, TrainSettings
from charcnn.specs.version_kind import CARD_SCHEMA, VersionKind


class NetworkFacts(StrictModel):
    """The network of a version: all that is needed to rebuild it."""

    name: str
    options: dict[str, OptionValue] = Field(default_factory=dict)
    parameters: int = Field(description="number of trainable parameters")


class DataFacts(StrictModel):
    """The images that a version was trained on."""

    sources: tuple[str, ...] = Field(description="the datasets, as they were given")
    fingerprint: str = Field(description="sha256 over label and sha256 of each image; independent of paths")
    images: int
    unreadable: int = 0
    per_class: dict[str, int] = Field(description="images per label, without unreadable ones")
    duplicates: int = Field(description="images that are identical to an earlier one, bit for bit")
    polarity: tuple[Polarity, ...] = Field(description="polarity of each source")
    train: int = Field(description="number of training images")
    val: int = Field(description="number of validation images, which selected the best epoch")
    val_source: str | None = Field(None, description="validation dataset, if it is not a share of `sources`")


class TrainingFacts(StrictModel):
    """How a version was trained."""

    config: TrainSettings = Field(description="all settings, including those that were left open")
    command: str
    epochs: int = Field(description="number of finished epochs")
    best_epoch: int = Field(description="the epoch whose weights these are, counted from 1")
    metric: str = Field(description="what selected the best epoch, and its direction")
    seconds: float
    images_per_second: float
    interrupted: bool = False
    varied: tuple[str, ...] | None = Field(
        None, description="settings that differ from the network's recipe; null in cards that do not tell"
    )


class Scores(StrictModel):
    """Scores on the validation images. Because these selected the best epoch, the scores are slightly optimistic."""

    loss: float
    accuracy: float = Field(ge=0, le=1)


class Environment(StrictModel):
    """The machine and library versions used for training."""

    python: str
    platform: str
    processor: str
    device: str
    threads: int
    fewest_threads: int | None = Field(
        None, ge=1, description="fewest threads used since the training was started or last resumed"
    )
    precision: str
    processes: int = Field(1, description="processes that trained together (torchrun's world size)")
    flush_denormal: bool = Field(False, description="denormal float32 numbers were flushed to 0")
    libraries: dict[str, str]


class ModelCard(Document):
    """Facts about a version, recorded when it is created. Evaluations, which come later, are stored separately."""

    newest_schema: ClassVar[int] = CARD_SCHEMA

    schema_version: int = CARD_SCHEMA
    name: str
    version: int = Field(ge=0)
    sequence: int = Field(
        ge=0, description="number among all versions of the registry; the last trained one is `latest`"
    )
    kind: VersionKind = "trained"
    created: datetime
    labels: tuple[str, ...] = Field(min_length=2)
    image: ImageSpec
    network: NetworkFacts
    data: DataFacts
    training: TrainingFacts
    validation: Scores | None = None
    environment: Environment
    parent: str | None = Field(None, description="the version whose weights training started from")
    files: dict[FileName, Sha256] = Field({}, description="sha256 of each other file of the version")

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.version}"
