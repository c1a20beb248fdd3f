"""Convert `hanzi-writer-data` to `medians.npz`: python -m charcnn.handwriting.stroke_data.pack FOLDER FILE."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from charcnn.handwriting.stroke_data import EM

_SOURCE_EM = 1024
"""Source units per em. In the source, y points up, from 124 units below the baseline."""
_NOTICE = (
    "From the fonts AR PL KaitiM GB and AR PL UKai, Copyright (C) 1999 Arphic Technology Co., Ltd., by way of Make Me "
    "a Hanzi and hanzi-writer-data 2.0.1, under the ARPHIC PUBLIC LICENSE (ARPHICPL.TXT). Changed on 2026-11-25: only "
    "the middle lines of the strokes are kept, with fewer points, in 256ths of an em."
)
_TOLERANCE_EM = 1 / 192
"""Maximum deviation of a simplified line, in ems."""


def pack(folder: Path, file: Path) -> int:
    """Pack the medians from a folder of JSON files, one per character; return the number of characters."""
    characters = sorted(path for path in folder.glob("?.json"))
    medians = [json.loads(path.read_text(encoding="utf-8"))["medians"] for path in characters]
    strokes = [[_simplify(np.array(line, np.float32)) for line in lines] for lines in medians]
    np.savez_compressed(
        file,
        notice=np.array(_NOTICE),
        characters=np.array([ord(path.stem) for path in characters], np.uint32),
        strokes=np.array([len(lines) for lines in strokes], np.uint8),
        lengths=np.array([len(line) for lines in strokes for line in lines], np.uint8),
        points=np.concatenate([line for lines in strokes for line in lines]),
    )
    return len(characters)


def _simplify(line: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Drop points that are not needed for the shape of a line (Douglas and Peucker, Cartographica 10(2), 1973).

    Raises:
        ValueError: the line has no length.
    """
    x, y = cv2.approxPolyDP(line, _TOLERANCE_EM * _SOURCE_EM, closed=False)[:, 0].T
    packed = np.clip(np.rint(np.stack([x, 900 - y], 1) * EM / _SOURCE_EM), 0, 255).astype(np.uint8)
    if len(packed) < 2 or (packed[0] == packed[1]).all() or (packed[-1] == packed[-2]).all():
        raise ValueError(f"A stroke without length: {line.tolist()}")
    return packed


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
