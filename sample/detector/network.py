"""A small convolutional detector without anchors, with heads at strides 8, 16 and 32."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
NECK = 48
"""Channels of every head."""


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = _conv(channels, channels // 2, 1)
        self.spread = _conv(channels // 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.spread(self.squeeze(x))


class _Pool(nn.Module):
    """Looks around: the largest value of three neighbourhoods, each within the next."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = _conv(channels, channels // 2, 1)
        self.join = _conv(channels * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.squeeze(x)
        b = functional.max_pool2d(a, 5, 1, 2)
        c = functional.max_pool2d(b, 5, 1, 2)
        return self.join(torch.cat([a, b, c, functional.max_pool2d(c, 5, 1, 2)], 1))


class Detector(nn.Module):
    """Images (N, 3, H, W), RGB 0 to 1, H and W multiples of 32, to raw answers per place of the three grids."""

    def __init__(self, classes: int) -> None:
        """Start with random weights; scores start near 0.01."""
        super().__init__()
        self.fine = nn.Sequential(_conv(3, 16, stride=2), _conv(16, 32, stride=2), _Residual(32))
        self.stage8 = nn.Sequential(_conv(32, 64, stride=2), _Residual(64), _Residual(64))
        self.stage16 = nn.Sequential(_conv(64, 96, stride=2), _Residual(96), _Residual(96))
        self.stage32 = nn.Sequential(_conv(96, 112, stride=2), _Residual(112), _Pool(112))
        self.lateral = nn.ModuleList(_conv(c, NECK, 1) for c in (64, 96, 112))
        self.down_join = nn.ModuleList(_conv(NECK, NECK) for _ in range(2))
        self.up_join = nn.ModuleList(_conv(NECK, NECK, stride=2) for _ in range(2))
        self.box_tower = nn.ModuleList(_conv(NECK, NECK) for _ in STRIDES)
        self.score_tower = nn.ModuleList(_conv(NECK, NECK) for _ in STRIDES)
        self.boxes = nn.ModuleList(nn.Conv2d(NECK, 4, 1) for _ in STRIDES)
        self.scores = nn.ModuleList(nn.Conv2d(NECK, classes, 1) for _ in STRIDES)
        for box, score in zip(self.boxes, self.scores, strict=True):
            nn.init.constant_(box.bias, 1.0)
            nn.init.constant_(score.bias, -4.6)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Distances left, top, right, bottom in strides (N, anchors, 4), and score logits (N, anchors, classes)."""
        c8 = self.stage8(self.fine(images))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p8, p16, p32 = (lateral(c) for lateral, c in zip(self.lateral, (c8, c16, c32), strict=True))
        p16 = self.down_join[0](p16 + functional.interpolate(p32, scale_factor=2.0, mode="nearest"))
        p8 = self.down_join[1](p8 + functional.interpolate(p16, scale_factor=2.0, mode="nearest"))
        p16 = p16 + self.up_join[0](p8)
        p32 = p32 + self.up_join[1](p16)
        distances, logits = [], []
        for level, p in enumerate((p8, p16, p32)):
            distance = functional.softplus(self.boxes[level](self.box_tower[level](p)))
            distances.append(distance.flatten(2))
            logits.append(self.scores[level](self.score_tower[level](p)).flatten(2))
        return torch.cat(distances, 2).transpose(1, 2), torch.cat(logits, 2).transpose(1, 2)


def anchor_points(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The middle of every place of the grids, pixels (anchors, 2), and its stride (anchors, 1)."""
    points, strides = [], []
    for stride in STRIDES:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        points.append((torch.stack([xs, ys], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(points[-1]), 1), float(stride)))
    return torch.cat(points).float(), torch.cat(strides)


def corners(distances: Tensor, points: Tensor, strides: Tensor) -> Tensor:
    """Boxes as left, top, right, bottom in pixels."""
    reach = distances * strides
    return torch.cat([points - reach[..., :2], points + reach[..., 2:]], -1)


class Exported(nn.Module):
    """The detector with the head of YOLOv8: (N, 4 + classes, anchors) of middle, size in pixels, and scores."""

    points: Tensor
    strides: Tensor

    def __init__(self, detector: Detector, size: int) -> None:
        """For square images of `size` pixels."""
        super().__init__()
        self.detector = detector
        points, strides = anchor_points(size, size)
        self.register_buffer("points", points)
        self.register_buffer("strides", strides)

    def forward(self, images: Tensor) -> Tensor:
        """Answers for a batch of images."""
        distances, logits = self.detector(images)
        reach = distances * self.strides
        low, high = self.points - reach[..., :2], self.points + reach[..., 2:]
        return torch.cat([(low + high) / 2, high - low, logits.sigmoid()], -1).transpose(1, 2)
