"""Read a folder of images into a CSV file; answers below 90 % are left for a person. Reading needs no torch."""

import csv
import sys
from pathlib import Path

import charcnn

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
model = charcnn.load("latest")
files = sorted(file for file in folder.iterdir() if file.suffix.lower() in {".bmp", ".png", ".jpg"})
with target.open("w", newline="", encoding="utf-8-sig") as stream:  # the mark tells Excel that it is UTF-8
    table = csv.writer(stream)
    table.writerow(["file", "label", "probability", "look"])
    for file, answer in zip(files, model.predict_files(files), strict=True):
        is_unsure = answer.probability is None or answer.probability < 0.9
        table.writerow([file.name, answer.label, answer.probability, "yes" if is_unsure else ""])
print(len(files), "images →", target)
