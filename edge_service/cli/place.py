"""The station that a verb talks to over Modbus TCP: ``HOST:PORT`` on the command line."""

import logging

import typer

from edge_service.language import say

MODBUS_PORT = 502
_LAST_PORT = 65_535


def place(text: str) -> tuple[str, int]:
    """Return host and port; without a port, 502. Raises typer.BadParameter saying what is allowed."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(MODBUS_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise typer.BadParameter(
            say(
                f"{text!r} is no HOST:PORT; allowed are 192.168.1.50, 192.168.1.50:1502, [::1]:1502",
                f"{text!r} 不是 HOST:PORT；可用：192.168.1.50、192.168.1.50:1502、[::1]:1502",
            )
        )
    return host, int(port)


def hush() -> None:
    """Keep libraries and our own log from writing between the lines: what goes wrong is told in them."""
    from edge_service.log import configure

    configure("critical", json=False)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
