"""Baseline for `charcnn augment`: the loop of the original course. Usage: python lab_augment.py SRC DST"""

import random
import sys
from pathlib import Path

import cv2

source, destination = map(Path, sys.argv[1:])
for folder in sorted(source.iterdir()):
    (destination / folder.name).mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        image = cv2.imread(str(path))
        assert image is not None
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), random.randrange(10), 1)
        turned = cv2.warpAffine(image, matrix, (width, height), borderValue=(255, 255, 255))
        cv2.imwrite(str(destination / folder.name / path.name), turned)
