"""Baseline for `charcnn predict`: the shortest torch script that does the same, one image at a time.

python torch_predict.py WEIGHTS LABELS IMAGE|FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from lab_network import build
from PIL import Image
from safetensors.torch import load_file

weights, labels, path = sys.argv[1:]
network = build(len(labels))
network.load_state_dict(load_file(weights))
network.eval()
with torch.inference_mode():
    for file in sorted(Path(path).iterdir()) if Path(path).is_dir() else [path]:
        image = torch.from_numpy(np.array(Image.open(file).convert("L"), np.float32))[None, None] / 255 - 1
        print(file, labels[int(network(image).argmax())])
