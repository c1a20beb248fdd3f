"""The yardstick for `charcnn predict` of one image: the shortest torch script that does the same.

python torch_predict.py WEIGHTS LABELS IMAGE
"""

import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

weights, labels, path = sys.argv[1:]
network = nn.Sequential(
    *(nn.Conv2d(1, 25, 3), nn.BatchNorm2d(25), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(25, 50, 3), nn.BatchNorm2d(50), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Flatten(), nn.Linear(1250, 1024), nn.ReLU(), nn.Dropout(0.0)),
    *(nn.Linear(1024, 128), nn.ReLU(), nn.Dropout(0.0), nn.Linear(128, len(labels))),
)
network.load_state_dict(load_file(weights))
network.eval()
image = torch.from_numpy(np.array(Image.open(path).convert("L"), np.float32))[None, None] / 255 - 1
with torch.inference_mode():
    print(labels[int(network(image).argmax())])
