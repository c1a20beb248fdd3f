"""Describe how two generated datasets differ, by their manifests and their first images."""

from collections.abc import Mapping
from pathlib import Path

from charcnn.datasets.provenance.synth_manifest import SynthEntry
from charcnn.images.codec import is_image, read_image
from charcnn.storage.files import is_unmodified


def describe_change(
    old_root: Path, old: Mapping[str, SynthEntry], new_root: Path, new: Mapping[str, SynthEntry]
) -> str:
    """Return how the images of two datasets differ: `training images 500 → 200, size 64 → 32`; empty if they do not.

    Args:
        old_root: The folder of the old dataset.
        old: The entries of its manifest.
        new_root: The folder of the new dataset.
        new: The entries of its manifest.
    """
    if _images(old) == _images(new):
        return ""
    before, after = _measure(old_root, old), _measure(new_root, new)
    differing = [] if _class_folders(old) == _class_folders(new) else ["other characters"]
    differing += [f"{what} {value} → {after[what]}" for what, value in before.items() if value not in ("", after[what])]
    return ", ".join(differing) or "another style, pen, paper, font or version"


def _images(entries: Mapping[str, SynthEntry]) -> dict[str, SynthEntry]:
    return {name: entry for name, entry in entries.items() if is_image(name) and "/" in name}


def _class_folders(entries: Mapping[str, SynthEntry]) -> set[str]:
    return {name.split("/")[1] for name in _images(entries) if name.count("/") == 2}


def _measure(root: Path, entries: Mapping[str, SynthEntry]) -> dict[str, str]:
    images = _images(entries)
    present = next((root / name for name in images if is_unmodified(root / name, entries[name].sha256)), None)
    counts = {part: sum(name.startswith(f"{part}/") for name in images) for part in ("train", "test")}
    return {
        "training images": str(counts["train"]),
        "test images": str(counts["test"]),
        "size": str(len(read_image(present))) if present else "",
        "seed": " ".join(sorted({entry.writer.partition("-")[0] for entry in images.values()})),
    }
