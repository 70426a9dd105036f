"""The Python side of the server's REST: `Client(url, token)`, one attribute for each noun."""

from pixmill.client.client import Client

__all__ = ["Client"]
