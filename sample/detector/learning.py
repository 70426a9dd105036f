"""What the detector learns from: which places answer for which object, and how wrong their answers are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PLACES_PER_OBJECT = 10
"""How many places answer for one object."""
SCORE_POWER, OVERLAP_POWER = 0.5, 4.0
BOX_WEIGHT, SCORE_WEIGHT = 6.0, 1.0


@dataclass(frozen=True, slots=True)
class Targets:
    """What the places of a batch should answer. Boxes are left, top, right, bottom in pixels."""

    boxes: Tensor
    """(N, anchors, 4)"""
    scores: Tensor
    """(N, anchors, classes), 0 where a place answers for nothing."""
    positive: Tensor
    """(N, anchors), whether a place answers for an object."""


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and complete IoU of boxes; the shapes broadcast."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    size_a, size_b = (a[..., 2:] - a[..., :2]).clamp(min=1e-3), (b[..., 2:] - b[..., :2]).clamp(min=1e-3)
    iou = shared / (size_a.prod(-1) + size_b.prod(-1) - shared + 1e-7)
    around = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    apart = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) ** 2).sum(-1) / 4
    angle = torch.atan(size_a[..., 0] / size_a[..., 1]) - torch.atan(size_b[..., 0] / size_b[..., 1])
    ratio = 4 / math.pi**2 * angle**2
    with torch.no_grad():
        weight = ratio / (1 - iou + ratio + 1e-7)
    return iou, iou - apart / ((around**2).sum(-1) + 1e-7) - weight * ratio


@torch.no_grad()
def assign(boxes: Tensor, scores: Tensor, points: Tensor, truth: Tensor, classes: Tensor, strides: Tensor) -> Targets:
    """Task-aligned assignment: each object is answered for by the places within it whose answers fit it best.

    `boxes` (N, A, 4) and `scores` (N, A, C, after sigmoid) are what the detector says; `truth` (N, M, 4) and `classes`
    (N, M) what is there, padded with class -1. Small boxes are widened to reach the middle of some place.
    """
    present = classes >= 0
    label = classes.clamp(min=0)
    middle, half = (truth[..., :2] + truth[..., 2:]) / 2, (truth[..., 2:] - truth[..., :2]) / 2
    reach = half[:, :, None].clamp(min=0) + torch.zeros_like(points)[None, None]
    reach = torch.where((strides <= 8)[None, None], reach.clamp(min=6.0), reach)
    inside = ((points[None, None] - middle[:, :, None]).abs() < reach).all(-1) & present[..., None]
    iou, _ = overlap(truth[:, :, None], boxes[:, None])
    iou = iou.clamp(min=0)
    said = torch.gather(scores, 2, label[:, None, :].expand(-1, scores.shape[1], -1)).transpose(1, 2)
    fit = (said**SCORE_POWER * (iou + 1e-3) ** OVERLAP_POWER) * inside
    best, index = fit.topk(PLACES_PER_OBJECT, dim=-1)
    chosen = torch.zeros_like(fit).scatter_(-1, index, (best > 0).to(fit.dtype)) * inside
    # A place that several objects want answers for the one that it overlaps most.
    winner = torch.where(chosen > 0, iou + 1e-3, torch.zeros_like(iou)).argmax(1)
    positive = chosen.sum(1) > 0
    target_boxes = torch.gather(truth, 1, winner[..., None].expand(-1, -1, 4))
    mine = functional.one_hot(winner, truth.shape[1]).transpose(1, 2) * chosen * positive[:, None]
    aligned = fit * mine
    strength = aligned / (aligned.amax(-1, keepdim=True) + 1e-9) * (iou * mine).amax(-1, keepdim=True)
    score = strength.amax(1)
    target_class = torch.gather(label, 1, winner)
    wanted = functional.one_hot(target_class, scores.shape[2]) * score[..., None] * positive[..., None]
    return Targets(target_boxes, wanted.to(scores.dtype), positive)


def loss(boxes: Tensor, logits: Tensor, targets: Targets) -> Tensor:
    """How wrong the answers are: complete IoU of the boxes and cross entropy of the scores."""
    total = targets.scores.sum().clamp(min=1.0)
    score_loss = functional.binary_cross_entropy_with_logits(logits, targets.scores, reduction="sum") / total
    if not bool(targets.positive.any()):
        return SCORE_WEIGHT * score_loss
    weight = targets.scores.sum(-1)[targets.positive]
    _, complete = overlap(boxes[targets.positive], targets.boxes[targets.positive])
    return BOX_WEIGHT * ((1 - complete) * weight).sum() / total + SCORE_WEIGHT * score_loss
