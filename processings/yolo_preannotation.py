# /// script
# requires-python = ">=3.11"
# dependencies = ["onnxruntime>=1.32", "opencv-python-headless>=5", "openvino>=2026.4"]
# ///
"""Pre-annotate images with a YOLO ModelVersion.

Draws the boxes that an ONNX detector finds: YOLOX, YOLOv5 and v7, YOLOv8, v9, v11 and v12, end-to-end YOLOv10 and
YOLO26, RT-DETR, D-FINE and RF-DETR. Only the Labels of the version are annotated: classes that go to none of them are
dropped before overlapping boxes are suppressed and before the cap, so that they take no place from the others.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pixmill.authoring import Batch, Between, Change, ModelVersion, Takes, processing
from pixmill.inference.detector import open_detector


@processing(kind="pre-annotation", batch_size=8)
class YoloPreannotation:
    """Finds objects with a YOLO detector.

    model: The detector, as ONNX.
    confidence: Boxes with a lower score are left out.
    iou: Of two boxes of a class that share more than this part of their union, the one with the lower score goes.
        Networks that do this themselves (YOLOv10, YOLO26, RT-DETR and its kin) are not touched by it.
    max_detections: The most boxes of one image; those with the best scores stay.
    family: How the network's output is read. auto finds it by the file's metadata and the shapes of the output, and
        says so where several fit. yolov5 is also v7, yolov8 also v9, v11 and v12, yolov10 also YOLO26, rtdetr also
        D-FINE.
    engine: What runs the network. auto takes openvino, and onnxruntime where openvino cannot load the model.
    precision: What the network computes in. auto is fp32, the same on every machine; bf16 is faster on CPUs that have
        it (AMX or AVX512_BF16), slightly less exact, and refused on the others.
    batch_size: Images at once. Networks that were exported for one image at a time still run so, several side by side.
    """

    def __init__(
        self,
        model: Annotated[ModelVersion, Takes(task="detection", frameworks=("onnx",))],
        *,
        confidence: Annotated[float, Between(0, 1)] = 0.25,
        iou: Annotated[float, Between(0, 1)] = 0.45,
        max_detections: Annotated[int, Between(1, 100_000)] = 300,
        family: Literal["auto", "yolox", "yolov5", "yolov8", "yolov10", "rtdetr", "rfdetr"] = "auto",
        engine: Literal["auto", "onnxruntime", "openvino"] = "auto",
        precision: Literal["auto", "fp32", "bf16"] = "auto",
    ) -> None:
        self.detector = open_detector(
            model,
            confidence=confidence,
            iou=iou,
            max_detections=max_detections,
            family=family,
            engine=engine,
            precision=precision,
        )
        self.facts = self.detector.describe()
        print(f"{model.name}: {self.detector.summary()}")  # noqa: T201 - a Run's log is what it prints

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, detections in zip(batch.assets, self.detector(batch.images), strict=True):
            yield asset.annotate(detections)
