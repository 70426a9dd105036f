"""The services that other tests rest on are the real ones."""

import subprocess
from pathlib import Path

import boto3
import psycopg

from tests.real_services import S3Bucket


def test_postgresql_gives_each_test_an_empty_database(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_a_database_test_runs_on_both_databases(database_url: str) -> None:
    assert database_url.partition(":")[0] in {"sqlite", "postgresql"}


def test_s3_gives_each_test_an_empty_bucket(s3: S3Bucket) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=s3.region,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
    )
    assert client.list_objects_v2(Bucket=s3.name)["KeyCount"] == 0


def test_chromium_starts(chromium: Path) -> None:
    version = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True)
    assert "Chrom" in version.stdout


def test_bubblewrap_takes_the_network_away(bubblewrap: Path) -> None:
    command = [
        str(bubblewrap),
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--unshare-net",
        "cat",
        "/proc/net/dev",
    ]
    seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {line.partition(":")[0].strip() for line in seen.splitlines()[2:]} == {"lo"}


def test_test_data_holds_the_photographs(test_data: Path) -> None:
    assert len(list((test_data / "coco_tiny_val" / "images").glob("*.jpg"))) == 80
