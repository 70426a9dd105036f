"""A server with one version to look at: three images, the first with every kind of shape, all with predictions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from pixmill import Client
from pixmill.annotations import (
    AnnotationColumns,
    BoundingBox,
    Classification,
    ColumnsBuilder,
    Keypoint,
    Keypoints,
    Line,
    Mask,
    Origin,
    Point,
    Polygon,
    Ring,
    RotatedBox,
    Shape,
    Source,
    Visibility,
)
from pixmill.annotations.rle import compress
from pixmill.client.assets import Asset
from pixmill.client.imports import ImportOptions
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.revise import Author
from pixmill_server.settings import Settings
from tests.e2e.browsing import places_of
from tests.running_server import RunningServer, serve

WIDTH, HEIGHT = 320, 240
VERSION = "street/v1"
HOSTILE = "<img src=x onerror=alert(1)>"
FIRST, SECOND, THIRD = "a.png", "b <b>bold.png", "c.png"
_SIX, _SEVEN = 40, 60
# 40 columns of 60 ones each, from column 30 and row 20 on.
SQUARE = Mask(HEIGHT, WIDTH, compress([30 * HEIGHT + 20, *[_SEVEN, HEIGHT - _SEVEN] * (_SIX - 1), _SEVEN]))
EVERY_KIND: Mapping[str, Shape] = {
    "class": Classification(),
    "box": BoundingBox(200, 150, 60, 40),
    "rotated box": RotatedBox(60, 180, 60, 30, 30),
    "polygon": Polygon(
        (
            Ring(((150.0, 20.0), (250.0, 20.0), (250.0, 100.0), (150.0, 100.0))),
            Ring(((180.0, 40.0), (220.0, 40.0), (220.0, 80.0), (180.0, 80.0)), hole=True),
        )
    ),
    "mask": SQUARE,
    "line": Line(((10.0, 230.0), (160.0, 200.0), (310.0, 230.0))),
    "point": Point(290.0, 30.0),
    "keypoints": Keypoints(
        (Keypoint(100.0, 130.0, Visibility.VISIBLE), Keypoint(130.0, 150.0, Visibility.HIDDEN)),
        BoundingBox(90.0, 120.0, 50.0, 40.0),
    ),
}


@dataclass(frozen=True, slots=True)
class Viewing:
    """The server, and what the tests ask it beside the browser."""

    server: RunningServer
    client: Client
    member: Client

    def asset(self, path: str = FIRST, *, version: str = VERSION) -> Asset:
        return next(asset for asset in self.client.assets.list(version) if asset.path == path)

    def href(self, path: str = FIRST, query: str = "", *, version: str = VERSION) -> str:
        return f"{self.server.url}/datasets/{version}/assets/{self.asset(path).id}{query}"

    def open(self, page: Page, path: str = FIRST, query: str = "", *, version: str = VERSION) -> None:
        page.goto(self.href(path, query, version=version))
        page.locator("[data-stage][data-mode]").wait_for()

    def shapes(self, path: str = FIRST) -> Sequence[tuple[str, str, list[float] | None]]:
        """Label, review and box of each, by id."""
        found = sorted(self.asset(path).annotations, key=lambda annotation: annotation.id)
        return [(annotation.label, annotation.review, annotation.bbox) for annotation in found]

    def predict(
        self,
        columns: AnnotationColumns,
        *,
        run: str = "run_1",
        existing: Existing = Existing.ADD,
        version: str = VERSION,
    ) -> None:
        """As a Run commits what it found."""
        part = ChangePart(annotations=columns)
        origin = Origin(Source.RUN, run_id=run, processing="yolo-preannotation", model="street-yolo/1")
        commit(
            self.server.services.datasets,
            self.client.versions.show(version).id,
            ChangeSource(lambda: [part], origin, assets_by=AssetKey.PATH),
            author=Author(run_id=run),
            summary="Run",
            existing=existing,
        )

    def sign_in(self, page: Page) -> None:
        page.goto(f"{self.server.url}/sign-in")
        page.get_by_label("API token").fill(self.server.member.token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/datasets")


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the image is in the window."""
    [(left, top, width, height)] = places_of(page.locator("[data-picture]"))
    return left + x * width / WIDTH, top + y * height / HEIGHT


def saved(page: Page) -> None:
    """Press Save, and wait until nothing is left to be saved."""
    page.keyboard.press("Control+s")
    expect(page.locator("[data-toasts]").get_by_text("Saved as Revision").last).to_be_visible()
    # The key itself has made it say "Saving…".
    expect(page.locator("[data-state]")).to_have_text("")


@contextmanager
def viewing(settings: Settings, folder: Path) -> Iterator[Viewing]:
    """Three images of 320 x 240: the first empty, a turned one, and one with predictions are made by the caller."""
    folder.mkdir()
    for number, name in enumerate((FIRST, SECOND, THIRD)):
        Image.new("RGB", (WIDTH, HEIGHT), (60 + 50 * number, 90, 120)).save(folder / name)
    with (
        serve(settings) as server,
        Client(server.url, server.owner.token) as client,
        Client(server.url, server.member.token) as member,
    ):
        client.imports.run(folder, ImportOptions(to=VERSION))
        client.labels.set(VERSION, ["person", "car", HOSTILE])
        yield Viewing(server, client, member)


def every_kind(path: str = FIRST) -> AnnotationColumns:
    """One shape of each kind."""
    builder = ColumnsBuilder()
    for number, (name, shape) in enumerate(EVERY_KIND.items()):
        label = HOSTILE if name == "point" else ("person", "car")[number % 2]
        attributes: dict[str, object] = {"<i>note</i>": HOSTILE} if name == "box" else {}
        builder.append(path, label, shape, score=round(0.1 + number / 10, 2), attributes=attributes)
    return builder.build()


def boxes(*told: tuple[str, str, float]) -> AnnotationColumns:
    """Boxes by path, Label and score, on each image one beside the other."""
    builder = ColumnsBuilder()
    for number, (path, label, score) in enumerate(told):
        before = sum(path == other for other, _, _ in told[:number])
        builder.append(path, label, BoundingBox(20 + 70 * before, 40, 50, 60), score=score)
    return builder.build()
