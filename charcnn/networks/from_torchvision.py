"""Untrained torchvision networks, adapted to one gray channel.

torchvision takes seconds to import, so it is imported only when one of them is built.
"""

from torch import nn

from charcnn.dependencies import required_for
from charcnn.networks.catalogue import register_network


@register_network(
    "resnet18", sizes=(64, 28, 32, 48), recipe="lab", summary="torchvision's ResNet-18, one input channel"
)
def resnet18(classes: int) -> nn.Module:
    """Build ResNet-18 (He et al., CVPR 2016). Shape: `[N,1,64,64]` → `[N,classes]`."""
    with required_for("The network resnet18"):
        from torchvision.models import resnet18 as build

    model: nn.Module = build(num_classes=classes)
    model.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    return model


@register_network(
    "mobilenet_v3_small",
    sizes=(64, 28, 32, 48),
    recipe="lab",
    summary="torchvision's MobileNetV3 small, one input channel",
)
def mobilenet_v3_small(classes: int, *, dropout: float = 0.2) -> nn.Module:
    """Build MobileNetV3 small (Howard et al., ICCV 2019). Shape: `[N,1,64,64]` → `[N,classes]`.

    Args:
        classes: Number of logits.
        dropout: Dropout rate before the last layer.
    """
    with required_for("The network mobilenet_v3_small"):
        from torchvision.models import mobilenet_v3_small as build

    model = build(num_classes=classes, dropout=dropout)
    first = model.features[0][0]
    model.features[0][0] = nn.Conv2d(1, first.out_channels, kernel_size=3, stride=2, padding=1, bias=False)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.1  # with torchvision's 0.01, the running statistics need thousands of steps to converge
    return model  # type: ignore[no-any-return]
