"""What differs between two generated datasets, by their manifests and their first images."""

from collections.abc import Mapping
from pathlib import Path

from charcnn.datasets.provenance.synth_manifest import SynthEntry
from charcnn.images.codec import is_image, read_image
from charcnn.storage.files import is_unmodified


def describe_change(
    old_root: Path, old: Mapping[str, SynthEntry], new_root: Path, new: Mapping[str, SynthEntry]
) -> str:
    """Return what differs between the images of two sets: `training images 500 → 200, size 64 → 32`; empty if nothing.

    Args:
        old_root: The folder of the old set.
        old: What its manifest says.
        new_root: The folder of the new set.
        new: What its manifest says.
    """
    if _images(old) == _images(new):
        return ""
    before, after = _facts(old_root, old), _facts(new_root, new)
    differing = [] if _class_folders(old) == _class_folders(new) else ["other characters"]
    differing += [f"{what} {value} → {after[what]}" for what, value in before.items() if value not in ("", after[what])]
    return ", ".join(differing) or "it was drawn in another style, pen, paper or font, or by another version"


def _images(entries: Mapping[str, SynthEntry]) -> dict[str, SynthEntry]:
    return {name: entry for name, entry in entries.items() if is_image(name) and "/" in name}


def _class_folders(entries: Mapping[str, SynthEntry]) -> set[str]:
    return {name.split("/")[1] for name in _images(entries) if name.count("/") == 2}


def _facts(root: Path, entries: Mapping[str, SynthEntry]) -> dict[str, str]:
    images = _images(entries)
    there = next((root / name for name in images if is_unmodified(root / name, entries[name].sha256)), None)
    counts = {part: sum(name.startswith(f"{part}/") for name in images) for part in ("train", "test")}
    return {
        "training images": str(counts["train"]),
        "test images": str(counts["test"]),
        "size": str(len(read_image(there))) if there else "",
        "seed": " ".join(sorted({entry.writer.partition("-")[0] for entry in images.values()})),
    }
