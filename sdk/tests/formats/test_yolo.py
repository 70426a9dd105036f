"""YOLO in and out."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pixmill.annotations import BoundingBox, ColumnsBuilder, Polygon, Ring, Shape, rows_of
from pixmill.errors import FormatError
from pixmill.formats import ExportPlan, FormatImage, FormatLabel, Report, get_format, open_source
from pixmill.formats.yolo.names import names_from_config, write_config

from .shapes import HEIGHT, WIDTH, Drawn, any_shape, boxes, drawings, outlines

Read = list[tuple[str, str, Shape, float | None]]


def read(folder: Path) -> tuple[Read, Report]:
    _name, source = open_source(folder, "yolo")
    with source:
        list(source.images())
        rows = [row for part in source.annotations() for row in rows_of(part)]
        return [(row.asset, row.label, row.shape, row.score) for row in rows], source.report


def numbers_of(shape: Shape) -> list[float]:
    if isinstance(shape, BoundingBox):
        return [shape.x, shape.y, shape.width, shape.height]
    assert isinstance(shape, Polygon)
    return [value for point in shape.rings[0].points for value in point]


def export(folder: Path, drawn: Drawn) -> Report:
    writer = get_format("yolo").write(folder, ExportPlan(drawn.labels))
    writer.add(drawn.images, drawn.columns)
    for image in drawn.images:
        target = writer.image_file(image.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(target)
    return writer.finish()


def folder_of(
    tmp_path: Path, labels: str, config: str = "names: [person, car]\n", size: tuple[int, int] = (100, 50)
) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text(config)
    (tmp_path / "labels" / "a.txt").write_text(labels)
    Image.new("RGB", size).save(tmp_path / "images" / "a.jpg")
    return tmp_path


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    drawn=st.one_of(drawings(boxes(), plain=True), drawings(outlines().map(lambda ring: Polygon((ring,))), plain=True))
)
def test_what_yolo_can_hold_comes_back(tmp_path_factory: pytest.TempPathFactory, drawn: Drawn) -> None:
    folder = tmp_path_factory.mktemp("yolo")
    report = export(folder, drawn)
    assert report.unsupported == {}
    found, read_report = read(folder)
    assert read_report.skipped == {}
    written = list(rows_of(drawn.columns))
    assert [(asset, label) for asset, label, _, _ in found] == [(row.asset, row.label) for row in written]
    for (_, _, shape, score), row in zip(found, written, strict=True):
        assert type(shape) is type(row.shape)
        assert numbers_of(shape) == pytest.approx(numbers_of(row.shape), abs=1e-3)
        assert score is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(drawn=drawings(any_shape()))
def test_what_yolo_cannot_hold_is_reported_and_nothing_breaks(
    tmp_path_factory: pytest.TempPathFactory, drawn: Drawn
) -> None:
    folder = tmp_path_factory.mktemp("yolo")
    report = export(folder, drawn)
    found, read_report = read(folder)
    left_out = sum(item.count for what, item in report.unsupported.items() if what.endswith("left out"))
    assert len(found) == report.annotations == len(drawn.columns) - left_out
    assert read_report.skipped == {}


def test_detection_and_segmentation_lines_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "0 0.5 0.5 0.2 0.4\n1 0 0 1 0 1 1\n1 0.5 0.5 0.2 0.4 0.75\n\n")
    found, _ = read(folder)
    assert found[0][:2] == ("a.jpg", "person")
    assert numbers_of(found[0][2]) == pytest.approx([40, 15, 20, 20])
    assert numbers_of(found[1][2]) == pytest.approx([0, 0, 100, 0, 100, 50])
    assert found[2][3] == 0.75


def test_bad_lines_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, "7 .5 .5 .1 .1\n0 .5 .5 .1 .1\n0 5 5 1 1\n0 .5 .5\nhello\n0 nan .5 .1 .1\n0 .5 .5 -.1 .1\n"
    )
    (tmp_path / "labels" / "gone.txt").write_text("0 .5 .5 .1 .1\n")
    found, report = read(folder)
    assert len(found) == 1
    assert {reason: findings.names for reason, findings in report.skipped.items()} == {
        "a label file without its image": ["labels/gone.txt"],
        "class 7 is not one of the 2 classes": ["labels/a.txt:1"],
        "coordinates outside 0 to 1": ["labels/a.txt:3", "labels/a.txt:7"],
        "3 numbers, which are neither a box nor a polygon": ["labels/a.txt:4"],
        "a line that is not numbers": ["labels/a.txt:5"],
        "numbers that are not finite": ["labels/a.txt:6"],
    }


def test_labels_are_scaled_to_the_display_size_of_a_turned_photograph(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "0 0.5 0.5 1 1\n")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(folder / "images" / "a.jpg", exif=exif)
    found, _ = read(folder)
    assert numbers_of(found[0][2]) == pytest.approx([0, 0, 50, 100])


def test_labels_beside_their_images_and_a_classes_txt_are_read(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("person\ncar\n")
    (tmp_path / "a.txt").write_text("1 0.5 0.5 1 1\n")
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    name, source = open_source(tmp_path)
    assert name == "yolo"
    with source:
        rows = [row for part in source.annotations() for row in rows_of(part)]
    assert [(row.asset, row.label) for row in rows] == [("a.png", "car")]


def test_boxes_beside_polygons_are_written_so_that_trainers_read_them_right(tmp_path: Path) -> None:
    builder = ColumnsBuilder()
    builder.append("a.png", "car", BoundingBox(0, 0, 32, 24))
    builder.append("a.png", "car", Polygon((Ring(((0, 0), (64, 0), (64, 48))),)))
    drawn = Drawn([FormatImage("a.png", width=WIDTH, height=HEIGHT)], [FormatLabel("car")], builder.build())
    report = export(tmp_path, drawn)
    assert (tmp_path / "labels" / "a.txt").read_text().splitlines()[0] == "0 0 0 0.5 0 0.5 0.5 0 0.5"
    assert list(report.unsupported) == ["boxes beside polygons: written as polygons of four corners"]


@pytest.mark.parametrize(
    "config",
    [
        "names: [person, 'traffic light', \"a, b\"]",
        "path: .\nnames:\n  0: person\n  1: traffic light  # red\n  2: 'a, b'\nnc: 3",
        "names:\n- person\n- traffic light\n- a, b\ntrain: x",
        "names: {0: person, 1: traffic light, 2: 'a, b'}",
        "names: [person,\n  traffic light,\n  'a, b']\n",
    ],
)
def test_the_usual_forms_of_data_yaml_are_read(config: str) -> None:
    assert names_from_config(config, "data.yaml") == ["person", "traffic light", "a, b"]


@given(st.lists(st.text(min_size=1).filter(lambda name: name.isprintable()), min_size=1, max_size=5))
def test_any_names_survive_a_data_yaml(names: list[str]) -> None:
    assert names_from_config(write_config(names, images="images"), "data.yaml") == names


def test_a_folder_without_class_names_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    with pytest.raises(FormatError, match="what its classes are called"):
        read(tmp_path)


def test_an_export_that_was_cut_off_is_begun_again_and_a_finished_one_is_left_alone(tmp_path: Path) -> None:
    builder = ColumnsBuilder().append("a.png", "car", BoundingBox(0, 0, 32, 24))
    drawn = Drawn([FormatImage("a.png", width=WIDTH, height=HEIGHT)], [FormatLabel("car")], builder.build())
    unfinished = get_format("yolo").write(tmp_path, ExportPlan(drawn.labels))
    unfinished.add(drawn.images, drawn.columns)
    assert export(tmp_path, drawn).annotations == 1
    with pytest.raises(FormatError, match="exists already"):
        get_format("yolo").write(tmp_path, ExportPlan(drawn.labels))


def test_images_whose_names_differ_in_their_endings_only_are_reported(tmp_path: Path) -> None:
    images = [FormatImage(name, width=WIDTH, height=HEIGHT) for name in ("a.jpg", "a.png")]
    builder = ColumnsBuilder().append("a.png", "car", BoundingBox(0, 0, 32, 24))
    report = export(tmp_path, Drawn(images, [FormatLabel("car")], builder.build()))
    assert report.unsupported["images whose names differ only in their endings: their labels left out"].count == 1


@pytest.mark.parametrize("config", ["train: x\n", "names:\n  0: a\n  2: b\n", "names: []\n"])
def test_a_config_without_proper_names_is_refused(tmp_path: Path, config: str) -> None:
    with pytest.raises(FormatError, match=r"data\.yaml"):
        read(folder_of(tmp_path, "", config))
