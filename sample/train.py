"""Trains the sample's detector: `python -m sample.train WORK_FOLDER` writes sample/street_yolo.onnx.

It learns from the train split alone, and is measured on the val split; the sample is never read. Needs what
train-requirements.txt names. Everything random is seeded.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from sample.detector.learning import assign, loss
from sample.detector.network import Detector, Exported, anchor_points, corners
from sample.detector.pictures import Example, Picture, read_pictures, varied
from sample.detector.reading import average_precision
from sample.draw import Shot, shots, write_sample
from sample.street.layouts import Split
from sample.street.plan import Label
from sample.street.scene import draw_scene

WEIGHTS = Path(__file__).with_name("street_yolo.onnx")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the detector is trained."""

    parts: tuple[int, ...] = (0, 900)
    """Where among the split's seeds each folder of pictures starts."""
    part: int = 900
    """Pictures in each folder."""
    judged: int = 96
    frame: int = 320
    """Pixels, each side of what it learns from."""
    image_size: int = 512
    """Pixels, each side of what the exported detector takes."""
    epochs: int = 20
    batch: int = 16
    rate: float = 3e-3
    warmup: int = 150
    seed: int = 7
    threads: int = 1
    """One is as fast as two while the machine is shared."""


def main() -> None:
    """Read the command line, then draw, train, export and measure."""
    parser = argparse.ArgumentParser(prog="python -m sample.train", description="Train the sample's detector.")
    parser.add_argument("work", type=Path, help="a folder for the pictures that it learns from")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the ONNX file to write (default: %(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=Recipe().epochs, help="how often it sees each picture (default: %(default)s)"
    )
    options = parser.parse_args()
    recipe = Recipe(epochs=options.epochs)
    pictures: list[Picture] = []
    for start in recipe.parts:
        folder = options.work / f"train-{start}"
        _draw(folder, shots(Split.TRAIN, recipe.part, start))
        pictures += read_pictures(folder)
    started = time.monotonic()
    detector = train(pictures, recipe)
    export(detector, options.out, recipe.image_size)
    print(f"Trained in {(time.monotonic() - started) / 60:.1f} minutes, {options.out.stat().st_size / 1e6:.2f} MB")
    val_folder = options.work / "val"
    _draw(val_folder, shots(Split.VAL, recipe.judged))
    for name, precision in average_precision(options.out, val_folder).items():
        print(f"{name:14} AP50 {precision:.3f} on the val split")


def _draw(folder: Path, wanted: list[Shot]) -> None:
    """Draw pictures into a folder, unless they are there already."""
    if (folder / "annotations.json").exists():
        return
    print(f"Drawing {len(wanted)} pictures into {folder}")
    write_sample(folder, ((shot, draw_scene(shot.seed, shot.layout)) for shot in wanted))


def train(pictures: list[Picture], recipe: Recipe) -> Detector:
    """A detector that has learned from the pictures: the running average of its weights."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(mode=True)
    detector = Detector(len(Label)).to(memory_format=torch.channels_last)
    average = copy.deepcopy(detector)
    plain = [p for p in detector.parameters() if p.ndim == 1]
    decayed = [p for p in detector.parameters() if p.ndim > 1]
    groups = [{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.02}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate)
    per_epoch = len(pictures) // recipe.batch
    steps = per_epoch * recipe.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, recipe.warmup))
    started, losses = time.monotonic(), list[float]()
    for step, examples in enumerate(_batches(pictures, recipe, steps)):
        losses.append(_learn(detector, optimizer, examples))
        schedule.step()
        _follow(average, detector, min(0.998, (1 + step) / (10 + step)))
        if (step + 1) % per_epoch == 0:
            minutes = (time.monotonic() - started) / 60
            print(
                f"epoch {(step + 1) // per_epoch}: loss {np.mean(losses[-per_epoch:]):.3f}, {minutes:.1f} min",
                flush=True,
            )
    return average.eval()


def _batches(pictures: list[Picture], recipe: Recipe, steps: int) -> Iterator[list[Example]]:
    """One batch for each step; the next is made while one is learned from."""
    per_epoch = len(pictures) // recipe.batch

    def made(step: int) -> list[Example]:
        order = np.random.default_rng((recipe.seed, step // per_epoch)).permutation(len(pictures))
        first = step % per_epoch * recipe.batch
        rng = np.random.default_rng((recipe.seed, step // per_epoch, first))
        return [varied(pictures[i], recipe.frame, rng) for i in order[first : first + recipe.batch]]

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(made, 0)
        for step in range(steps):
            examples, ahead = ahead.result(), pool.submit(made, step + 1)
            yield examples


def _rate(step: int, steps: int, warmup: int) -> float:
    """The share of the full learning rate: up in a line, down in half a cosine."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _learn(detector: Detector, optimizer: torch.optim.Optimizer, examples: list[Example]) -> float:
    """One step on one batch; gives its loss."""
    images = torch.from_numpy(np.stack([example.pixels for example in examples])).contiguous(
        memory_format=torch.channels_last
    )
    truth, classes = _padded(examples)
    points, strides = anchor_points(*images.shape[2:])
    with torch.autocast("cpu", torch.bfloat16):
        distances, logits = detector(images)
    boxes, logits = corners(distances.float(), points, strides), logits.float()
    targets = assign(boxes.detach(), logits.detach().sigmoid(), points, truth, classes, strides)
    wrong = loss(boxes, logits, targets)
    optimizer.zero_grad()
    wrong.backward()
    torch.nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
    optimizer.step()
    return float(wrong.detach())


def _padded(examples: list[Example]) -> tuple[Tensor, Tensor]:
    """Boxes (N, most, 4) and classes (N, most) of a batch; class -1 fills up."""
    most = max(1, *(len(example.boxes) for example in examples))
    boxes, classes = torch.zeros(len(examples), most, 4), torch.full((len(examples), most), -1)
    for row, example in enumerate(examples):
        boxes[row, : len(example.boxes)] = torch.from_numpy(example.boxes)
        classes[row, : len(example.boxes)] = torch.from_numpy(example.classes)
    return boxes, classes


@torch.no_grad()
def _follow(average: Detector, detector: Detector, keep: float) -> None:
    """Move the running average a little toward the detector."""
    for old, new in zip(average.state_dict().values(), detector.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.mul_(keep).add_(new, alpha=1 - keep)
        else:
            old.copy_(new)


def export(detector: Detector, path: Path, size: int) -> None:
    """Write the detector as ONNX with a batch of any length, and with what says how to read it."""
    plain = Exported(detector.to(memory_format=torch.contiguous_format), size).eval()
    example = torch.zeros(2, 3, size, size)
    torch.onnx.export(
        plain,
        (example,),
        path,
        input_names=["images"],
        output_names=["output0"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        opset_version=18,
        dynamo=True,
        external_data=False,
    )
    model = onnx.load(path)
    facts = {
        "names": repr({number: str(label) for number, label in enumerate(Label)}),
        "task": "detect",
        "stride": "32",
        "imgsz": repr([size, size]),
        "family": "yolov8",
        "license": "Apache-2.0",
        "author": "Pixmill",
        "description": "Finds people, vehicles, signs and dogs in drawn street scenes. Trained on drawn scenes alone.",
    }
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, facts)
    for node in model.graph.node:
        # The exporter notes the files of this machine; they help nobody elsewhere.
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    model.doc_string = ""
    onnx.save(model, path)


if __name__ == "__main__":
    main()
