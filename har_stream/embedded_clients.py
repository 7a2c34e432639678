"""Who may come into the embedded broker, and in which language: what it adds to amqtt."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import Final

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

CONNECT_S: Final = 10.0
"""How long a client may take to say what it speaks."""
MQTT: Final = b"\x00\x04MQTT"
V3: Final = 4
CONTINUED: Final = 0x80
LONGEST_LENGTH: Final = 4
"""Bytes of a packet's length, all but the last with CONTINUED."""
UNKNOWN_VERSION: Final = b"\x20\x02\x00\x01"
"""CONNACK: we do not speak that version of MQTT."""


class Login(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no type information
    """Lets one user in, with a password."""

    @dataclass
    class Config:
        """What EmbeddedBroker gives."""

        user: str
        password: str

    async def authenticate(self, *, session: Session) -> bool:
        """Compare in a time that tells nothing."""
        given = f"{session.username or ''}\0{session.password or ''}"
        wanted = f"{self._get_config_option('user')}\0{self._get_config_option('password')}"
        return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


class PlainBroker(Broker):  # type: ignore[misc]  # as above
    """A broker that says at once that it does not speak MQTT 5; amqtt would wait for the rest of what it misreads."""

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Take a client that speaks 3.1.1."""
        try:
            begin = await asyncio.wait_for(_begin(reader), CONNECT_S)
        except (OSError, EOFError, TimeoutError):
            writer.close()
            return
        if begin[-1] != V3 and begin.endswith(MQTT + begin[-1:]):
            writer.write(UNKNOWN_VERSION)
            writer.close()
            return
        await self.external_connected(_Begun(reader, begin), StreamWriterAdapter(writer), listener_name)


class _Begun(StreamReaderAdapter):  # type: ignore[misc]  # as above
    """A reader whose first bytes were read already."""

    def __init__(self, reader: asyncio.StreamReader, begin: bytes) -> None:
        super().__init__(reader)
        self._begin = begin

    async def read(self, n: int = -1) -> bytes:
        """Return n bytes, or with -1 what there is. Raises IncompleteReadError at the end."""
        if not self._begin:
            return bytes(await super().read(n))
        head, self._begin = (self._begin, b"") if n < 0 else (self._begin[:n], self._begin[n:])
        rest = b"" if n < 0 or len(head) == n else await super().read(n - len(head))
        return head + bytes(rest)


async def _begin(reader: asyncio.StreamReader) -> bytes:
    """Return a CONNECT packet's bytes up to its protocol level."""
    begin = await reader.readexactly(2)
    while begin[-1] & CONTINUED and len(begin) <= LONGEST_LENGTH:
        begin += await reader.readexactly(1)
    return begin + await reader.readexactly(len(MQTT) + 1)
