"""A network of your own: register it, train it, read with it. Data: a folder of class folders."""

import sys

from torch import nn

import charcnn


@charcnn.register_network("mine", sizes=[28], summary="one hidden layer")
def mine(classes: int, *, hidden: int = 128) -> nn.Module:
    """Return the network: float32 `[N,1,28,28]` → logits `[N,classes]`."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, classes))


config = charcnn.TrainConfig(data=[sys.argv[1]], net="mine", net_options={"hidden": 64}, epochs=2, name="mine")
version = charcnn.train(config).version
print(charcnn.load_network(version))
print(charcnn.load(version.card.reference).labels)
