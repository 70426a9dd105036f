from pathlib import Path

from pixmill import Client
from pixmill.client.doctor import findings_of_server
from pixmill_server.computes.findings import Verdict
from pixmill_server.computes.probes import look_at_bundle, look_at_cpu_features
from tests.running_server import RunningServer


def test_what_the_machine_can_do_is_found_and_kept(server: RunningServer) -> None:
    with Client(server.url, server.member.token) as client:
        assert findings_of_server(client.connection).findings == []
        looked = findings_of_server(client.connection, again=True)
        assert findings_of_server(client.connection) == looked
    found = {finding.name: finding for finding in looked.findings}
    assert {
        "machine",
        "cpu features",
        "sandbox",
        "limits",
        "containers",
        "uv",
        "database",
        "disk",
        "built-in Processings",
    } == set(found)
    assert found["database"].facts["name"] == "SQLite"
    assert "yolo-preannotation" in found["built-in Processings"].summary


def test_a_cpu_without_bf16_is_said_to_be_one(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags : fpu avx2\n")
    assert look_at_cpu_features(cpuinfo).facts == {"features": ["avx2"], "bf16": False}
    cpuinfo.write_text("processor : 0\nflags : fpu avx2 amx_bf16\n")
    assert look_at_cpu_features(cpuinfo).facts == {"features": ["avx2", "amx_bf16"], "bf16": True}


def test_a_bundle_without_processings_is_missing_something(tmp_path: Path) -> None:
    finding = look_at_bundle(tmp_path, [])
    assert (finding.verdict, finding.hint != "") == (Verdict.MISSING, True)
