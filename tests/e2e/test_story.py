"""The whole story in a browser, with real photographs and a real model: from nothing to an annotated version."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from pixmill_server.settings import BUNDLE
from tests.e2e.product import Product, product_up
from tests.gates import WAIT, Gate, gate_in
from tests.shared_environments import share_environments

PHOTOGRAPHS = 12
ENVIRONMENT_MILLISECONDS = 240_000
"""An engine is installed for the first Run."""
AFTER_ITS_FIRST_LINE = "# noqa: T201 - a Run's log is what it prints\n"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """At which the built-in Processing waits once it has opened its model."""
    share_environments(tmp_path / "data")
    with gate_in(tmp_path / "data" / "environments") as gate:
        yield gate


@pytest.fixture
def product(tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    """An empty one, whose built-in Processings are those that everybody gets, but for the gate."""
    bundle = shutil.copytree(BUNDLE, tmp_path / "bundle")
    source = bundle / "processings" / "yolo_preannotation.py"
    code, first_line, rest = source.read_text().partition(AFTER_ITS_FIRST_LINE)
    assert first_line
    source.write_text(f"{code}{first_line}        wait_at({gate.name!r})\n{rest}\n{WAIT}")
    monkeypatch.setenv("PIXMILL_BUNDLE", str(bundle))
    with product_up(tmp_path / "data") as product:
        yield product


@pytest.fixture
def signed_in(page: Page, product: Product) -> Page:
    """The page, signed in with the token of this machine."""
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page


def test_from_an_empty_system_to_an_annotated_version(
    signed_in: Page, product: Product, gate: Gate, test_data: Path
) -> None:
    bring_photographs(signed_in, sorted((test_data / "coco_tiny_val" / "images").glob("*.jpg"))[:PHOTOGRAPHS])
    register_the_model(signed_in, product, test_data / "models" / "yolov8n_int8.onnx")
    signed_in.goto(f"{product.url}/datasets/city/v1")
    signed_in.get_by_role("link", name="Process", exact=True).click()
    signed_in.wait_for_url("**/process", wait_until="load")
    signed_in.get_by_role("radio", name="yolo-preannotation").check()
    signed_in.get_by_label("ModelVersion").select_option("yolo/1")
    expect(signed_in.locator(".facts")).to_contain_text(f"{PHOTOGRAPHS} of {PHOTOGRAPHS}")
    status = signed_in.locator(".pill").first
    with worker_held(product):
        signed_in.get_by_role("button", name="Launch").click()
        signed_in.wait_for_url("**/jobs/job_*")
        expect(status).to_have_text("pending")
    expect(status).to_have_text("running", timeout=ENVIRONMENT_MILLISECONDS)
    expect(signed_in.get_by_role("log")).to_contain_text("yolo/1: yolov8 head", timeout=ENVIRONMENT_MILLISECONDS)
    # It waits at the gate: what was seen was seen while it went on.
    expect(status).to_have_text("running")
    gate.open()
    expect(status).to_have_text("succeeded", timeout=ENVIRONMENT_MILLISECONDS)
    signed_in.get_by_role("link", name="city/v1", exact=True).first.click()
    expect(signed_in.locator(".asset svg rect").first).to_be_visible()
    assert product.ask("datasets", "show", "city/v1")["counts"]["assets"] == PHOTOGRAPHS
    # The model knows eighty classes: annotated are those that somebody asked for, and of them what is in the pictures.
    annotations = {label["name"]: label["annotations"] for label in product.ask("labels", "ls", "city/v1")}
    assert annotations.keys() == {"person", "car"}
    assert annotations["person"] > 0
    assert sum(annotations.values()) == product.ask("datasets", "show", "city/v1")["counts"]["annotations"]


@contextmanager
def worker_held(product: Product) -> Iterator[None]:
    """No Run is claimed until the block ends."""
    below = psutil.Process(product.process.pid).children(recursive=True)
    worker = next(process for process in below if "worker" in process.cmdline())
    stop(worker)
    # In the middle of writing it would hold the database too, and nobody could launch anything.
    while not can_be_written(product.data / "pixmill.db"):
        worker.resume()
        stop(worker)
    try:
        yield
    finally:
        worker.resume()


def stop(process: psutil.Process) -> None:
    process.suspend()
    while process.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)


def can_be_written(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


def bring_photographs(page: Page, photographs: list[Path]) -> None:
    page.get_by_text("New Dataset", exact=True).click()
    page.get_by_role("textbox", name="Dataset").fill("city")
    page.get_by_role("textbox", name="Labels").fill("person, car")
    page.get_by_role("button", name="Create, then add images").click()
    page.locator("[data-files]").set_input_files(photographs)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name=f"{len(photographs)} images added to city/v1")).to_be_visible()


def register_the_model(page: Page, product: Product, file: Path) -> None:
    page.goto(f"{product.url}/models")
    page.get_by_role("link", name="Upload a model").click()
    page.get_by_label("Model file").set_input_files(file)
    page.get_by_label("Address").fill("yolo/1")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="yolo/1")).to_be_visible()
