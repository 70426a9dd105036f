"""Engine only: a detector's network on OpenVINO as Pixmill drives it, beside OpenVINO's own benchmark_app."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np

from bench.models import real_models
from bench.report import Figure
from pixmill.inference.available import compile_model
from pixmill.inference.contract import EngineRequest, Lane
from pixmill.inference.signature import image_input

SECONDS = 5.0
ROUNDS = 3


def measure() -> Iterable[Figure]:
    """Images per second, fp32, the same threads and streams; rounds of both take turns."""
    models = real_models()
    if not models:
        sys.stderr.write("engine: not measured, no models here; set PIXMILL_TEST_DATA\n")
    for name, path in models.items():
        rounds = [(_as_pixmill(path), _benchmark_app(path)) for _ in range(ROUNDS)]
        yield Figure(
            name=f"engine only, {name}, openvino fp32",
            value=median(ours for ours, _ in rounds),
            unit="images/s",
            baseline=median(theirs for _, theirs in rounds),
            baseline_name="benchmark_app",
            ratio_floor=0.95,
        )


def _as_pixmill(model: Path) -> float:
    cpus = len(os.sched_getaffinity(0))
    request = EngineRequest(model, "fp32", threads=cpus, lanes=cpus, input_size=None)
    engine = compile_model(request, framework="onnx", engine="openvino").engine
    image = image_input(engine.signature)
    tensor = np.full((1, 3, image.height or 0, image.width or 0), 0.5, dtype=np.float32)
    counts = [0] * cpus

    def drive(place: int, lane: Lane, until: float) -> None:
        while time.perf_counter() < until:
            lane(tensor)
            counts[place] += 1

    start = time.perf_counter()
    threads = [threading.Thread(target=drive, args=(place, engine.lane(), start + SECONDS)) for place in range(cpus)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def _benchmark_app(model: Path) -> float:
    cpus = str(len(os.sched_getaffinity(0)))
    program = Path(sys.executable).with_name("benchmark_app")
    how = [
        "-d",
        "CPU",
        "-hint",
        "none",
        "-nthreads",
        cpus,
        "-nstreams",
        cpus,
        "-nireq",
        cpus,
        "-infer_precision",
        "f32",
    ]
    command = [str(program), "-m", str(model), *how, "-t", str(int(SECONDS))]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Throughput:\s+([\d.]+)", said)
    assert found is not None, said
    return float(found.group(1))
