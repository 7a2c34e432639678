"""What befalls the streams, one thing at a time, and in an order that a seed gives."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

from tests.soak.devices import KINDS
from tests.soak.rig import Rig

SLOW_CLIENTS: Final = 6
HOSTILE_IDS: Final = 500
ROUNDS: Final = 3
"""Rounds that a fault lasts."""

Fault = Callable[[Rig], None]


def broker_killed(rig: Rig) -> None:
    rig.caught_up()
    rig.broker.stop()
    _rounds(rig)
    rig.broker.start()


def broker_hung(rig: Rig) -> None:
    rig.broker.hang()
    _rounds(rig)
    rig.broker.go_on()


def port_unplugged(rig: Rig) -> None:
    rig.plug.unplug()
    _rounds(rig)
    rig.plug.plug()
    _heard(rig)


def port_replugged_often(rig: Rig) -> None:
    for _ in range(ROUNDS):
        rig.plug.unplug()
        rig.plug.plug()
        _heard(rig)
        rig.risky_round()


def settings_reread(rig: Rig) -> None:
    for stream in rig.streams:
        stream.reload(f"mqtt.backoff_max_s = 1\nmqtt.stale_after_s = {rig.dice.randrange(20, 60)}\n")
    _rounds(rig)


def settings_broken(rig: Rig) -> None:
    for stream in rig.streams:
        stream.reload("mqtt.stale_after_s = nan\nno such line")
    _rounds(rig)


def disk_full(rig: Rig) -> None:
    with contextlib.ExitStack() as full:
        for stream in rig.streams:
            full.enter_context(stream.full_disk())
        _rounds(rig)


def slow_clients(rig: Rig) -> None:
    with contextlib.ExitStack() as clients:
        for stream in rig.streams:
            for number in range(SLOW_CLIENTS):
                client = clients.enter_context(socket.create_connection(("127.0.0.1", stream.port), timeout=5))
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"[: 1 + 7 * number])
        _rounds(rig)


def hostile_ids(rig: Rig) -> None:
    rig.quiet_round("plain", lambda: rig.wireless.send_hostile_ids(HOSTILE_IDS))


def of_samples(kind: str) -> Fault:
    """Return the fault of devices that send what is not right."""
    return lambda rig: rig.quiet_round(kind)


FAULTS: Final[Mapping[str, Fault]] = {
    "broker killed": broker_killed,
    "broker hung": broker_hung,
    "port unplugged": port_unplugged,
    "port replugged often": port_replugged_often,
    "settings reread": settings_reread,
    "settings broken": settings_broken,
    "disk full": disk_full,
    "slow clients": slow_clients,
    "hostile ids": hostile_ids,
    **{kind: of_samples(kind) for kind in KINDS if kind != "plain"},
}


def _rounds(rig: Rig) -> None:
    for _ in range(ROUNDS):
        rig.risky_round()


def _heard(rig: Rig) -> None:
    """Wait until the stream has the port open: a pty, other than a port, drops what nobody reads."""
    until_s = time.monotonic() + 20
    while not rig.plug.heard() and time.monotonic() < until_s:
        time.sleep(0.05)
