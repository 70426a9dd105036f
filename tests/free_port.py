"""A port for a server that is to come back to it after it was killed."""

import random
import socket
from pathlib import Path


def free_port() -> int:
    """Below those that the kernel gives to connections: none of them takes it before, or while nobody listens."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.SystemRandom().randrange(10_000, lowest)))
            except OSError:
                continue
            return int(probe.getsockname()[1])
