"""`charcnn models show`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charcnn.cli import output
from charcnn.cli.model_columns import as_text
from charcnn.cli.options import Json, ModelArgument, RegistryRoot, TableOrJson, chosen_format
from charcnn.cli.settings import SETTINGS
from charcnn.text import pluralize

if TYPE_CHECKING:
    from charcnn.specs.card import ModelCard


def show(
    model: ModelArgument = "latest",
    registry: RegistryRoot = None,
    output_format: TableOrJson = None,
    as_json: Json = False,
) -> None:
    """Show a version's card and evaluations."""
    from charcnn.registry.store import Registry

    form = chosen_format(output_format, json=as_json)
    store = Registry(registry)
    info = store.find(model)
    version = store.open(info)
    card = version.card
    evaluations = _read_evaluations(store.evaluations(version))
    if form == "json":
        document = card.model_dump(mode="json")
        output.put_json({**document, "aliases": list(info.aliases), "evaluations": evaluations})
        return
    facts = {
        "model": " ".join([card.reference, *info.aliases]),
        "folder": str(version.folder),
        **_input_facts(card),
        **_data_facts(card),
        **_training_facts(card),
        **_evaluation_facts(evaluations),
    }
    output.put_table(("", ""), [(output.Cell(key, "bold"), value) for key, value in facts.items()])
    output.put("")
    _show_settings(card)


def _show_settings(card: "ModelCard") -> None:
    """Write all settings of the training in groups, those that differ from the recipe marked."""
    training = card.training
    varied = training.varied or ()
    rows: list[output.Row] = []
    group = ""
    for name, declared in SETTINGS.items():
        panel = declared.setting.panel
        style = "yellow" if name in varied else ""
        mark = "*" if name in varied else ""
        value = as_text(getattr(training.config, name)) or "-"
        rows.append((panel if panel != group else "", output.Cell(name, style), output.Cell(value, style), mark))
        group = panel
    output.put_table(("settings", "", "", ""), rows)
    if training.varied is not None:
        output.put(f"* differs from the recipe {training.config.recipe} or from the network's own value")


def _read_evaluations(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the evaluations of a version, in the newest schema. Damaged ones are skipped with a warning."""
    from charcnn.errors import CardError
    from charcnn.evaluation.evaluation import Evaluation

    found = []
    for path in paths:
        try:
            found.append(Evaluation.parse(path.read_bytes(), str(path)).model_dump(mode="json"))
        except CardError as fault:
            output.warn(fault.message)
    return found


def _input_facts(card: "ModelCard") -> dict[str, str]:
    options = "".join(f", {key.replace('_', ' ')} {value}" for key, value in card.network.options.items())
    image = card.image
    return {
        "reads": " ".join(card.labels),
        "input": f"{image.height} × {image.width}, fit {image.fit}, polarity {image.polarity}",
        "network": f"{card.network.name}, {card.network.parameters:,} parameters{options}",
    }


def _data_facts(card: "ModelCard") -> dict[str, str]:
    data = card.data
    return {
        "trained on": f"{data.train} of {data.images} images in {', '.join(data.sources)}",
        "data": f"sha256 {data.fingerprint[:16]}…, {data.duplicates} duplicates, {data.unreadable} unreadable",
    }


def _training_facts(card: "ModelCard") -> dict[str, str]:
    training, scores = card.training, card.validation
    torch = card.environment.libraries.get("torch", "unknown")
    return {
        "command": training.command,
        "training": f"epochs {training.epochs}, {training.seconds:.0f} s, seed {training.config.seed}; "
        f"epoch {training.best_epoch} chosen by {training.metric}",
        "validation": f"{scores.accuracy:.2%} of {pluralize(card.data.val, 'image')}" if scores else "none",
        "parent": card.parent or "none",
        "created": f"{card.created:%Y-%m-%d %H:%M} UTC, {card.environment.processor}, torch {torch}",
    }


def _evaluation_facts(evaluations: list[dict[str, Any]]) -> dict[str, str]:
    return {
        f"on {evaluation['dataset']} ({evaluation['fingerprint'][:6]})": f"{evaluation['accuracy']:.2%} of "
        f"{pluralize(evaluation['images'], 'image')}"
        for evaluation in evaluations
    }
