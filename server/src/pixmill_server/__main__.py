"""`python -m pixmill_server serve | worker | migrate | doctor`: what an operator, and `pixmill up`, start."""

import argparse
import fcntl
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

import structlog
import uvicorn

import pixmill_server
from pixmill.errors import PixmillError
from pixmill_server.app import create_app
from pixmill_server.computes.findings import examine
from pixmill_server.listening import listen
from pixmill_server.settings import Settings, prepare_data_folder, read_settings
from pixmill_server.wiring import Services, open_services, prepare
from pixmill_server.worker.beside import WorkerBeside
from pixmill_server.worker.loop import Stop, Worker
from pixmill_server.worker.workplace import Workplace

_FAILED = 1


class DataFolderInUse(PixmillError):
    """One server works on a data folder."""

    code = "data-folder-in-use"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 1 with one clear message where Pixmill refuses."""
    options = _parser().parse_args(arguments)
    _log_to_stderr()
    try:
        settings = read_settings()
        if options.data:
            settings = _on_data_folder(settings, Path(options.data).expanduser().absolute())
        match options.command:
            case "serve":
                _serve(settings, options)
            case "worker":
                _work(settings, options)
            case "doctor":
                _examine(settings)
            case _:
                prepare(settings)
    except PixmillError as error:
        sys.stderr.write(f"pixmill-server: {error}\n")
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pixmill-server", description="The Pixmill server and its worker.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer REST and pages")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    serve.add_argument("--with-worker", action="store_true", help="run a worker beside the server")
    serve.add_argument("--announce", action="store_true", help="say in JSON where, on standard output")
    worker = commands.add_parser("worker", help="run Jobs")
    worker.add_argument("--server", help="the server's address", required=True)
    migrate = commands.add_parser("migrate", help="bring the data folder and the database to this release")
    doctor = commands.add_parser("doctor", help="say in JSON what this machine can do and what it lacks")
    for command in (serve, worker, migrate, doctor):
        command.add_argument("--data", help="the data folder (also PIXMILL_DATA)")
        command.add_argument("--tied", action="store_true", help="end when standard input does")
    return parser


def _on_data_folder(settings: Settings, data: Path) -> Settings:
    # What was set by a variable of its own stays; what was derived from the old folder follows the new one.
    return read_settings({**os.environ, "PIXMILL_DATA": str(data)}) if data != settings.data else settings


def _serve(settings: Settings, options: argparse.Namespace) -> None:
    host = options.host or settings.host
    listener = listen(host, settings.port if options.port is None else options.port)
    port = listener.getsockname()[1]
    settings = replace(settings, host=host, port=port)
    prepare_data_folder(settings, version=pixmill_server.__version__)
    with _only_server(settings):
        prepare(settings)
        services = open_services(settings)
        examine(services.computes, services.probes())
        address = f"http://{_reachable(host)}:{port}"
        worker = WorkerBeside(settings.data, address)
        if options.with_worker:
            worker.start()
        if options.tied:
            _end_with_standard_input()
        if options.announce:
            said = {"url": address, "token_file": str(settings.token_file), "data": str(settings.data)}
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
        try:
            _answer(services, listener)
        finally:
            worker.stop()


def _answer(services: Services, listener: socket.socket) -> None:
    config = uvicorn.Config(
        create_app(services), log_config=None, access_log=False, timeout_graceful_shutdown=5, server_header=False
    )
    # What is loaded by now stays: without this, every full collection would look at all of it again.
    gc.freeze()
    logging.getLogger(__name__).info("serving", extra={"port": listener.getsockname()[1]})
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal that ended it once more, when it is done; the worker is to be stopped after that.
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])


def _examine(settings: Settings) -> None:
    prepare(settings)
    services = open_services(settings)
    try:
        kept = examine(services.computes, services.probes())
    finally:
        services.close()
    found = [{**asdict(one.finding), "found_at": one.found_at.isoformat()} for one in kept]
    sys.stdout.write(json.dumps(found) + "\n")


def _only_server(settings: Settings) -> IO[str]:
    """The data folder's lock, held; raises `DataFolderInUse` where another server holds it."""
    lock = (settings.data / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise DataFolderInUse(
            f"Another server works on the data folder {settings.data}.",
            hint="Use that one, end it first, or give another folder with --data.",
        ) from error
    return lock


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared with, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _work(settings: Settings, options: argparse.Namespace) -> None:
    stop = Stop()

    def leave() -> None:
        # The server is gone without a word: its Runs go on, and are taken over when it is back.
        stop.leave_runs = True
        stop.requested.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.requested.set())
    if options.tied:
        _when_standard_input_ends(leave)
    services = open_services(settings)
    try:
        Worker(Workplace.of(services, options.server)).work(stop)
    finally:
        services.close()


def _end_with_standard_input() -> None:
    _when_standard_input_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))


def _when_standard_input_ends(act: Callable[[], None]) -> None:
    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        act()

    threading.Thread(target=watch, daemon=True, name="tied").start()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # They say at every start, or at every look at the server, what they would say the first time.
    for name in ("alembic", "httpx2", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
