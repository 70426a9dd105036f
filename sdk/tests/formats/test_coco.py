"""COCO in and out."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as reference

from pixmill.annotations import AnnotationRow, Keypoints, Mask, Polygon, ShapeKind, kind_of, rows_of
from pixmill.errors import FormatError
from pixmill.formats import ExportPlan, Report, get_format, open_source
from pixmill.formats.coco.sections import JsonFile

from .shapes import Drawn, any_shape, boxes, drawings, rows_by_asset

Json = dict[str, object]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def coco(annotations: list[Json], **more: object) -> Json:
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": annotations,
        "categories": [{"id": 3, "name": "person"}],
        **more,
    }


def box(**more: object) -> Json:
    return {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], **more}


def read(path: Path) -> tuple[list[AnnotationRow], Report]:
    _name, source = open_source(path, "coco")
    with source:
        list(source.images())
        return rows_by_asset(list(source.annotations())), source.report


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(drawn=st.one_of(drawings(any_shape()), drawings(boxes())))
def test_whatever_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, drawn: Drawn) -> None:
    folder = tmp_path_factory.mktemp("coco")
    writer = get_format("coco").write(folder, ExportPlan(drawn.labels, 99, 99))
    writer.add(drawn.images, drawn.columns)
    report = writer.finish()
    _name, source = open_source(folder)
    with source:
        assert list(source.labels) == drawn.labels
        assert [replace(image, file=None) for image in source.images()] == drawn.images
        read_back = rows_by_asset(list(source.annotations()))
    written = rows_by_asset([drawn.columns])
    assert [comparable(row) for row in read_back] == [comparable(row) for row in written]
    assert report.annotations == len(drawn.columns)
    assert source.report.skipped == {}


def comparable(row: AnnotationRow) -> AnnotationRow:
    """Areas and boxes that nobody gave are computed on export; what a COCO reader derives is left out."""
    attributes = {k: v for k, v in row.attributes.items() if k != "num_keypoints" and not (k == "iscrowd" and not v)}
    shape = row.shape
    derived = kind_of(shape) in (ShapeKind.CLASS, ShapeKind.ROTATED_BOX, ShapeKind.LINE, ShapeKind.POINT)
    return replace(row, area=None, attributes=attributes, bbox=None if derived else row.bbox)


def test_the_sections_may_come_in_any_order_and_over_many_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixmill.formats.coco.sections.WINDOW_BYTES", 300)
    images = [{"id": at, "file_name": f"{at} }},{{ NaN ]}}.jpg", "width": 9, "height": 9} for at in range(50)]
    annotations = [
        box(id=at, image_id=at % 50, attributes={"nested": [{"deep": "},{"}]}, bbox=[at, 0, 1, 1]) for at in range(400)
    ]
    categories = [{"id": 3, "name": "person"}]
    content = {"categories": categories, "annotations": annotations, "info": {"a": [1]}, "images": images, "x": 1.5}
    for indent in (None, 1):
        (tmp_path / "a.json").write_text(json.dumps(content, indent=indent))
        rows, report = read(tmp_path / "a.json")
        assert sorted(row.external_id for row in rows) == list(range(400))
        assert {row.asset for row in rows} == {str(image["file_name"]) for image in images}
        assert report.skipped == {}
        assert report.unsupported["what a file says of itself"].count == 2


def test_bad_annotations_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    wrong: dict[str, Json] = {
        "the category it names is not in the file": box(id=11, category_id=99),
        "the image it names is not in the file": box(id=12, image_id=99),
        "a box of negative size": box(id=13, bbox=[1, 1, -5, 2]),
        "a box whose numbers are not finite": box(id=14, bbox=[float("nan"), 1, 5, 2]),
        "a box that is not four numbers": box(id=15, bbox=[1, 2, 3]),
        "a polygon of fewer than three points": box(id=16, segmentation=[[1, 2, 3, 4]]),
        "a polygon with an odd number of coordinates": box(id=17, segmentation=[[1, 2, 3, 4, 5, 6, 7]]),
        "a mask of another size than its image": box(id=18, segmentation={"size": [4, 4], "counts": [16]}),
        "a mask whose run lengths do not add up to its size": box(
            id=19, segmentation={"size": [48, 64], "counts": [16]}
        ),
        "neither bbox, segmentation nor keypoints": {"id": 20, "image_id": 7, "category_id": 3},
    }
    rows, report = read(write(tmp_path / "a.json", coco([box(), *wrong.values(), box(id=2)])))
    assert [row.external_id for row in rows] == [1, 2]
    assert {reason: findings.count for reason, findings in report.skipped.items()} == dict.fromkeys(wrong, 1)
    assert report.skipped["a box of negative size"].names == ["annotation 13 (image 7, category 3)"]


def test_bad_boxes_in_a_file_of_plain_boxes_are_named_too(tmp_path: Path) -> None:
    bad = [box(id=11, category_id=99), box(id=12, image_id=99), box(id=13, bbox=[1, 1, -5, 2])]
    rows, report = read(write(tmp_path / "a.json", coco([*bad, box(id=1, area=2.5), box(id=2, score=0.5)])))
    assert [(row.external_id, row.area, row.score) for row in rows] == [(1, 2.5, None), (2, None, 0.5)]
    assert report.skipped_count == 3


def test_score_crowd_missing_area_and_unknown_keys_are_kept(tmp_path: Path) -> None:
    annotation = box(score=0.25, iscrowd=1, occluded=True, attributes={"colour": "red"})
    rows, _ = read(write(tmp_path / "a.json", coco([annotation])))
    assert rows[0].score == 0.25
    assert rows[0].area is None
    assert rows[0].attributes == {"occluded": True, "attributes": {"colour": "red"}, "iscrowd": 1}


def test_uncompressed_masks_become_the_compressed_ones_of_the_reference(tmp_path: Path) -> None:
    counts = [5, 100, 48 * 64 - 205, 100]
    uncompressed: Any = {"size": [48, 64], "counts": counts}
    expected = reference.frPyObjects(uncompressed, 48, 64)
    rows, _ = read(write(tmp_path / "a.json", coco([box(segmentation={"size": [48, 64], "counts": counts})])))
    assert rows[0].shape == Mask(48, 64, expected["counts"])


def test_keypoints_keep_their_outline_beside_them(tmp_path: Path) -> None:
    outline = [[1, 2, 3, 4, 5, 6]]
    annotation = box(keypoints=[1, 2, 2, 0, 0, 0], num_keypoints=1, segmentation=outline)
    rows, _ = read(write(tmp_path / "a.json", coco([annotation])))
    assert isinstance(rows[0].shape, Keypoints)
    assert rows[0].attributes["segmentation"] == outline


def test_an_image_outside_its_folder_is_refused(tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": "../../etc/passwd.jpg"}, {"id": 8, "file_name": "a.jpg"}, {"id": 9}]
    _rows, report = read(write(tmp_path / "a.json", coco([], images=images)))
    assert report.images == 1
    assert report.skipped["its name leaves its folder with '..'"].names == ["../../etc/passwd.jpg"]
    assert report.skipped["an image without id or file_name"].names == ["image 9"]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"[1, 2]", b'{"images": [{"id": 1}', b'{"images": [], "annotations": [{]}', b'{"images": []} x'],
)
def test_a_file_that_is_no_json_object_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.json"):
        read(tmp_path / "a.json")


def test_whatever_elements_there_are_the_rest_is_read(tmp_path: Path) -> None:
    odd: list[Any] = [5, "text", [], None, {"id": 2**70, "image_id": 2**70}, box(id=2**70), box(image_id=[1]), {}]
    rows, report = read(write(tmp_path / "a.json", coco([box(id=1), *odd, box(id=3)])))
    assert [row.external_id for row in rows] == [-1, 1, 3]
    assert report.skipped_count == 7
    with pytest.raises(FormatError, match="not an array of objects"):
        read(write(tmp_path / "b.json", coco([5])))  # type: ignore[list-item]  # on purpose


def test_letters_that_are_no_text_spoil_nothing_but_themselves(tmp_path: Path) -> None:
    content = json.dumps(coco([box(note="caf?"), box(id=2)])).encode().replace(b"caf?", b"caf\xff")
    (tmp_path / "a.json").write_bytes(content)
    rows, _report = read(tmp_path / "a.json")
    assert [row.external_id for row in rows] == [1, 2]


def test_a_category_that_cannot_be_a_label_is_named(tmp_path: Path) -> None:
    categories = [{"id": 3, "name": "person"}, {"id": 4, "name": "line\nbreak"}, {"id": 5, "name": "x" * 300}]
    rows, report = read(write(tmp_path / "a.json", coco([box(), box(id=2, category_id=4)], categories=categories)))
    assert [row.external_id for row in rows] == [1]
    assert report.skipped["a category whose name is not 1 to 200 visible characters"].names == [
        "category 4",
        "category 5",
    ]


def test_a_file_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"images":[],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    with pytest.raises(FormatError, match=r"a\.json"):
        read(tmp_path / "a.json")


def test_a_json_object_without_images_is_not_coco(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no array 'images'"):
        read(write(tmp_path / "a.json", {"annotations": []}))


def test_images_are_found_in_the_usual_places(tmp_path: Path) -> None:
    for folder in ("annotations", "val2017"):
        (tmp_path / folder).mkdir()
    (tmp_path / "val2017" / "a.jpg").write_bytes(b"bytes")
    write(tmp_path / "annotations" / "instances_val2017.json", coco([]))
    _name, source = open_source(tmp_path)
    with source:
        assert [image.file for image in source.images()] == ["val2017/a.jpg"]


def test_ids_that_came_twice_are_numbered_above_the_highest(tmp_path: Path) -> None:
    rows, _ = read(write(tmp_path / "a.json", coco([box(id=5), box(id=5), box(id=9)])))
    assert [row.external_id for row in rows] == [5, 5, 9]
    _name, source = open_source(tmp_path / "a.json")
    with source:
        images = list(source.images())
        writer = get_format("coco").write(tmp_path / "out", ExportPlan(source.labels, 7, 9))
        for columns in source.annotations():
            writer.add(images, columns)
        writer.finish()
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [annotation["id"] for annotation in written["annotations"]] == [5, 10, 9]


def test_real_annotations_come_out_as_they_went_in(test_data: Path, tmp_path: Path) -> None:
    original = json.loads((test_data / "coco_tiny_val" / "annotations.json").read_text())
    _name, source = open_source(test_data / "coco_tiny_val")
    with source:
        images = list(source.images())
        writer = get_format("coco").write(tmp_path, ExportPlan(source.labels, 0, 0))
        for columns in source.annotations():
            assert all(isinstance(row.shape, Polygon | Mask) for row in rows_of(columns))
            writer.add(images, columns)
        writer.finish()
    written = json.loads((tmp_path / "annotations.json").read_text())
    assert written["categories"] == original["categories"]
    assert written["images"] == [{**image, "coco_url": image["coco_url"]} for image in original["images"]]
    for before, after in zip(original["annotations"], written["annotations"], strict=True):
        if isinstance(before["segmentation"], dict):
            uncompressed: Any = before["segmentation"]
            packed = reference.frPyObjects(uncompressed, *uncompressed["size"])
            ious: Any = reference.iou([packed], [after["segmentation"]], [0])
            assert float(ious[0][0]) == 1.0
            after["segmentation"] = before["segmentation"]
        assert after == before


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    elements = ",".join(json.dumps(box(id=at)) for at in range(200_000))
    path.write_text('{"images":[],"annotations":[' + elements + "]}")
    before = resident_bytes()
    file = JsonFile.open(path, "big.json")
    assert sum(len(text) for _piece, text in file.pieces("annotations")) > 10 << 20
    assert file.count("annotations") == 200_000
    assert resident_bytes() - before < (path.stat().st_size - (1 << 20)) + (12 << 20)
    file.close()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
