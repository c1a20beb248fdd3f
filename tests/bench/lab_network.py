"""The network of the original course, with ReLU before the pool. Its weights fit `--net cnn`."""

from torch import nn


def build(classes: int) -> nn.Module:
    """Build the network. Shape: `[N,1,28,28]` → `[N,classes]`."""
    return nn.Sequential(
        *(nn.Conv2d(1, 25, 3), nn.BatchNorm2d(25), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(25, 50, 3), nn.BatchNorm2d(50), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(1250, 1024), nn.ReLU(), nn.Identity()),
        *(nn.Linear(1024, 128), nn.ReLU(), nn.Identity(), nn.Linear(128, classes)),
    )
