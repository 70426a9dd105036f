"""Where the server listens."""

import socket

from pixmill.errors import PixmillError


class PortTaken(PixmillError):
    """Somebody else listens there."""

    code = "port-taken"


def listen(host: str, port: int) -> socket.socket:
    """Listen there; port 0 takes a free one.

    Raises `PortTaken` where that cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, for asyncio sends without delay only where it is: Nagle's algorithm cost every answer 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Cannot listen on {host} port {port}: {error.strerror}.", hint="Give another one with --port."
        ) from error
    return listener
