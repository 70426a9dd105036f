"""Secrets: kept encrypted, told to the Runs whose Processing names them and to nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmill import Client
from pixmill.errors import Forbidden, InvalidInput, NotFound, PixmillError
from pixmill_server.processings.secrets import SecretUnreadable, ensure_key, values_of
from pixmill_server.settings import read_settings
from server.tests.jobs.acting import Stage
from tests.running_server import serve

VALUE = "hf_a+b/c=d e%f"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Stage]:
    """One server for the whole file, with a Processing that names a secret."""
    data = tmp_path_factory.mktemp("secrets") / "data"
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as server:
        stage = Stage(server)
        stage.processing("with-secret", secrets=["HF_TOKEN"])
        yield stage


def test_a_launch_that_needs_a_secret_which_is_not_set_is_refused_by_name(stage: Stage) -> None:
    with pytest.raises(PixmillError, match="with-secret needs the secret HF_TOKEN, which is not set") as refused:
        stage.client.jobs.launch("with-secret", "street/v1")
    assert refused.value.code == "secret-not-set"
    assert "pixmill secrets set HF_TOKEN" in refused.value.hint


def test_only_a_run_whose_processing_names_it_is_told_a_secret(stage: Stage) -> None:
    stage.client.secrets.set("HF_TOKEN", VALUE)
    stage.client.secrets.set("ANOTHER_ONE", "12345678")
    for processing, told in [("with-secret", {"HF_TOKEN": VALUE}), ("annotate", {})]:
        job = stage.client.jobs.launch(processing, "street/v1")
        supervisor = stage.supervisor()
        assert supervisor.send("GET", "plan").json()["secrets"] == told
        assert VALUE not in stage.client.jobs.show(job.id).model_dump_json()
        assert supervisor.work() == "succeeded"


def test_neither_the_database_nor_rest_tells_a_value(stage: Stage) -> None:
    stage.client.secrets.set("HF_TOKEN", VALUE)
    names = [secret.name for secret in stage.client.secrets.list()]
    assert "HF_TOKEN" in names
    assert VALUE not in str(stage.client.connection.raw("GET", "/secrets").content)
    folder = stage.server.services.settings.data
    kept = b"".join(path.read_bytes() for path in folder.glob("pixmill.db*"))
    assert b"HF_TOKEN" in kept
    assert VALUE.encode() not in kept
    assert (folder / "secrets-key").stat().st_mode & 0o777 == 0o600


def test_another_key_reads_nothing_and_says_what_to_do(stage: Stage, tmp_path: Path) -> None:
    secrets, actor = stage.server.services.secrets, stage.server.owner.actor
    stage.client.secrets.set("HF_TOKEN", VALUE)
    ensure_key(tmp_path / "key")
    other = type(secrets)(secrets.database, secrets.clock, tmp_path / "key")
    with pytest.raises(SecretUnreadable, match="encrypted with another key"):
        values_of(other, actor.organization_id, ["HF_TOKEN"])
    assert values_of(secrets, actor.organization_id, ["HF_TOKEN"]) == {"HF_TOKEN": VALUE}


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    ensure_key(key)
    before = key.read_bytes()
    ensure_key(key)
    assert key.read_bytes() == before
    key.chmod(0o644)
    with pytest.raises(InvalidInput, match="can be read by others"):
        ensure_key(key)


def test_a_removed_secret_is_gone_and_a_name_or_value_that_cannot_be_is_refused(stage: Stage) -> None:
    secrets = stage.client.secrets
    secrets.set("GOES_AWAY", "12345678")
    secrets.remove("GOES_AWAY")
    with pytest.raises(NotFound):
        secrets.remove("GOES_AWAY")
    with pytest.raises(InvalidInput, match="LD_PRELOAD"):
        secrets.set("LD_PRELOAD", "12345678")
    with pytest.raises(InvalidInput, match="7 bytes"):
        secrets.set("SHORT", "1234567")


def test_a_member_sees_names_and_sets_nothing(stage: Stage) -> None:
    stage.client.secrets.set("HF_TOKEN", VALUE)
    with Client(stage.server.url, stage.server.member.token) as member:
        assert "HF_TOKEN" in [secret.name for secret in member.secrets.list()]
        with pytest.raises(Forbidden):
            member.secrets.set("HF_TOKEN", "12345678")
    with Client(stage.server.url, stage.server.stranger.token) as stranger:
        assert list(stranger.secrets.list()) == []
