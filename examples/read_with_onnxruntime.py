"""Read images with a file that `charcnn export` wrote, and nothing but ONNX Runtime, NumPy and Pillow."""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1])
metadata = session.get_modelmeta().custom_metadata_map
labels, spec = json.loads(metadata["labels"]), json.loads(metadata["image"])
for path in sys.argv[2:]:
    image = Image.open(path).convert("L").resize((spec["width"], spec["height"]))
    pixels = np.asarray(image, np.uint8)[None, None]  # [1,1,H,W], dark ink on white
    probabilities = session.run(None, {"image": pixels})[0][0]
    print(path, labels[probabilities.argmax()], f"{probabilities.max():.1%}")
