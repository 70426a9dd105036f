"""Make the hashed lock of every built-in Processing anew, from its header."""

from pathlib import Path

from pixmill.environments.header import parse_header
from pixmill.environments.locking import lock

PROCESSINGS = Path(__file__).resolve().parent.parent / "processings"


def main() -> None:
    """One lock beside each file."""
    for source in sorted(PROCESSINGS.glob("[!_]*.py")):
        source.with_suffix(".lock").write_bytes(lock(parse_header(source.read_text())))


if __name__ == "__main__":
    main()
