"""The card: the facts at a version's birth, its JSON schema's version read first."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from charcnn.specs.base import Document, FileName, Sha256, StrictModel
from charcnn.specs.choices import Polarity
from charcnn.specs.image import ImageSpec
from charcnn.specs.train_config import OptionValue, TrainSettings
from charcnn.specs.version_kind import CARD_SCHEMA, VersionKind


class NetworkFacts(StrictModel):
    """Which network a version is: enough to build it again."""

    name: str
    options: dict[str, OptionValue] = Field(default_factory=dict)
    parameters: int = Field(description="trainable numbers")


class DataFacts(StrictModel):
    """Which images a version learnt from."""

    sources: tuple[str, ...] = Field(description="the datasets, as they were typed")
    fingerprint: str = Field(description="sha256 over label and sha256 of each image; free of paths")
    images: int
    unreadable: int = 0
    per_class: dict[str, int] = Field(description="images per label, unreadable ones left out")
    duplicates: int = Field(description="images that equal an earlier one, bit for bit")
    polarity: tuple[Polarity, ...] = Field(description="what was decided for each of the sources")
    train: int = Field(description="images trained on")
    val: int = Field(description="images that chose the best epoch")
    val_source: str | None = Field(None, description="where those came from, if not from `sources`")


class TrainingFacts(StrictModel):
    """How a version came about."""

    config: TrainSettings = Field(description="every setting, with what was left open filled in")
    command: str
    epochs: int = Field(description="epochs finished")
    best_epoch: int = Field(description="the epoch whose weights these are, counted from 1")
    metric: str = Field(description="what chose the best epoch, and its direction")
    seconds: float
    images_per_second: float
    interrupted: bool = False
    varied: tuple[str, ...] | None = Field(
        None, description="settings that differ from the network's recipe; null in cards that do not tell"
    )


class Scores(StrictModel):
    """Measured on the part that chose the best epoch, and so a little flattering; `evaluate` takes other images."""

    loss: float
    accuracy: float = Field(ge=0, le=1)


class Environment(StrictModel):
    """The machine and the libraries."""

    python: str
    platform: str
    processor: str
    device: str
    threads: int
    precision: str
    processes: int = Field(1, description="processes that trained together (torchrun's world size)")
    flush_denormal: bool = Field(False, description="numbers too small for float32 were taken for 0")
    libraries: dict[str, str]


class ModelCard(Document):
    """The facts at a version's birth. What is learnt later (evaluations) is kept outside the version."""

    newest_schema: ClassVar[int] = CARD_SCHEMA

    schema_version: int = CARD_SCHEMA
    name: str
    version: int = Field(ge=0)
    sequence: int = Field(ge=0, description="counts all versions of the registry; the highest trained one is `latest`")
    kind: VersionKind = "trained"
    created: datetime
    labels: tuple[str, ...] = Field(min_length=2)
    image: ImageSpec
    network: NetworkFacts
    data: DataFacts
    training: TrainingFacts
    validation: Scores | None = None
    environment: Environment
    parent: str | None = Field(None, description="the version whose weights it started from")
    files: dict[FileName, Sha256] = Field({}, description="sha256 of each other file of the version")

    @property
    def reference(self) -> str:
        """`NAME@VERSION`."""
        return f"{self.name}@{self.version}"
