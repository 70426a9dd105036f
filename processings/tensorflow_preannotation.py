# /// script
# requires-python = ">=3.11"
# dependencies = ["ai-edge-litert>=2.3", "opencv-python-headless>=5"]
# ///
"""Pre-annotate images with a TensorFlow Lite ModelVersion.

Draws the boxes that a .tflite detector finds, on LiteRT: the YOLO families in TensorFlow Lite's form, of floats or
integers. Only the Labels of the version are annotated: classes that go to none of them are dropped before overlapping
boxes are suppressed and before the cap, so that they take no place from the others.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pixmill.authoring import Batch, Between, Change, ModelVersion, Takes, processing
from pixmill.inference.detector import open_detector


@processing(kind="pre-annotation", batch_size=8)
class TensorflowPreannotation:
    """Finds objects with a TensorFlow Lite detector.

    model: The detector, as .tflite.
    confidence: Boxes with a lower score are left out.
    iou: Of two boxes of a class that share more than this part of their union, the one with the lower score goes.
    max_detections: The most boxes of one image; those with the best scores stay.
    family: How the network's output is read. auto finds it by the file's metadata and the shapes of the output, and
        says so where several fit. yolov5 is also v7, yolov8 also v9, v11 and v12, yolov10 also YOLO26, rtdetr also
        D-FINE.
    batch_size: Images at once. Networks that were exported for one image at a time still run so, several side by side.
    """

    def __init__(
        self,
        model: Annotated[ModelVersion, Takes(task="detection", frameworks=("tflite",))],
        *,
        confidence: Annotated[float, Between(0, 1)] = 0.25,
        iou: Annotated[float, Between(0, 1)] = 0.45,
        max_detections: Annotated[int, Between(1, 100_000)] = 300,
        family: Literal["auto", "yolox", "yolov5", "yolov8", "yolov10", "rtdetr", "rfdetr"] = "auto",
    ) -> None:
        self.detector = open_detector(
            model, confidence=confidence, iou=iou, max_detections=max_detections, family=family, engine="litert"
        )
        self.facts = self.detector.describe()
        print(f"{model.name}: {self.detector.summary()}")  # noqa: T201 - a Run's log is what it prints

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, detections in zip(batch.assets, self.detector(batch.images), strict=True):
            yield asset.annotate(detections)
