"""Train on images in memory: uint8 arrays and their labels."""

import numpy as np

import charcnn

rng = np.random.default_rng(0)
images, labels = [], []
for number in range(200):  # crosses and bars, a little out of place; yours come from a camera, a database, …
    image = np.full((28, 28), 255, np.uint8)  # paper is 255, ink is 0
    row, column = rng.integers(8, 20, 2)
    image[row - 1 : row + 2, 4:24] = 0
    if number % 2:
        image[4:24, column - 1 : column + 2] = 0
    images.append(image)
    labels.append("cross" if number % 2 else "bar")

config = charcnn.TrainConfig(epochs=5, name="crosses")
trained = charcnn.train(config, data=(np.stack(images[:160]), labels[:160]))
print("trained", trained.version.card.reference)

measured = charcnn.evaluate("crosses", (np.stack(images[160:]), labels[160:]))
print(f"{measured.accuracy:.0%} of {measured.images} other images are right")
