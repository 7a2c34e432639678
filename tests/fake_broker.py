"""A broker that sends what no lawful one does. It speaks MQTT 3.1.1 and 5 as far as a client of ours needs it."""

from __future__ import annotations

import socket
import struct
from threading import Thread

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8
V5 = 5


class FakeBroker:
    """Answers and sends `packets` to each who subscribed, in turn; then, if `hangs_up`, ends the connection.

    What is published with QoS 1 is acknowledged, but for the first `swallows`, with whose last the connection ends.
    """

    def __init__(
        self,
        *packets: bytes,
        speaks: tuple[int, ...] = (4, V5),
        subscription: int = 0,
        hangs_up: bool = False,
        swallows: int = 0,
    ) -> None:
        self.published: list[tuple[str, str]] = []
        self._swallows = swallows
        self._packets, self._speaks, self._subscription = packets, speaks, subscription
        self._hangs_up = hangs_up
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self.levels: list[int] = []
        self._packet_id = b""
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        v5, asked = False, 0
        try:
            while packet := _packet(connection):
                kind, body = packet
                if kind == CONNECT:
                    level = body[6]
                    self.levels.append(level)
                    v5 = level == V5
                    lawful = level in self._speaks
                    connection.sendall(b"\x20\x03\0\0\0" if v5 and lawful else bytes([0x20, 2, 0, 0 if lawful else 1]))
                elif kind == PUBLISH:
                    if self._swallow(body, v5=v5):
                        return
                    if len(self.published) > self._swallows:
                        connection.sendall(b"\x40\x02" + self._packet_id)
                elif kind == SUBSCRIBE:
                    answer = body[:2] + b"\0" * v5 + bytes([self._subscription])
                    connection.sendall(bytes([0x90, len(answer)]) + answer)
                    asked += 1
                    connection.sendall(self._packets[asked - 1] if asked <= len(self._packets) else b"")
                    if self._hangs_up and asked >= len(self._packets):
                        return
        except OSError:
            pass

    def _swallow(self, body: bytes, *, v5: bool) -> bool:
        """Note what is published; tell whether the connection ends with it."""
        topic, rest = body[2 : 2 + int.from_bytes(body[:2])], body[2 + int.from_bytes(body[:2]) :]
        self._packet_id = rest[:2]
        self.published.append((topic.decode(), rest[2 + v5 :].decode()))
        return len(self.published) == self._swallows


def _packet(connection: socket.socket) -> tuple[int, bytes] | None:
    head = connection.recv(1)
    if not head:
        return None
    length, shift = 0, 0
    while True:
        (byte,) = connection.recv(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # the highest bit says that more follow
            break
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return head[0] >> 4, body


def publication(topic: bytes, payload: bytes, *, v5: bool = True, properties: bytes = b"\0") -> bytes:
    """A PUBLISH packet with QoS 0 of less than 128 bytes; properties are MQTT 5's alone."""
    body = struct.pack("!H", len(topic)) + topic + properties * v5 + payload
    return bytes([0x30, len(body)]) + body
