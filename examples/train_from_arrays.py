"""Train on images in memory: uint8 arrays and their labels."""

import numpy as np

import charcnn

rng = np.random.default_rng(0)
images = np.full((200, 28, 28), 255, np.uint8)  # [N,H,W]: paper is 255, ink is 0
labels = ["cross" if number % 2 else "bar" for number in range(200)]
for image, label in zip(images, labels, strict=True):  # yours come from a camera, a database, …
    row, column = rng.integers(8, 20, 2)
    image[row - 1 : row + 2, 4:24] = 0
    if label == "cross":
        image[4:24, column - 1 : column + 2] = 0

config = charcnn.TrainConfig(epochs=5, name="crosses")
trained = charcnn.train(config, data=(images[:160], labels[:160]))
print("trained", trained.version.card.reference)

measured = charcnn.evaluate("crosses", (images[160:], labels[160:]))
print(f"{measured.accuracy:.0%} of {measured.images} other images are right")
