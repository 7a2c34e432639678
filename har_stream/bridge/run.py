"""har-bridge run: a serial device to MQTT, for a sensor on one machine and the daemon on another.

serial port -> format -> profile -> intake -> resampling -> messages -> outbox -> har/<device>/imu
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any, Final

from har_stream.accounting import Accounting
from har_stream.bridge.broker_uri import parse_broker_uri
from har_stream.bridge.cutting import Cutting
from har_stream.bridge.outbox import Outbox
from har_stream.bridge.report import tell
from har_stream.bridge.serial_uri import serial_uri
from har_stream.bridge.stop import Stop
from har_stream.bridge.uniform_samples import UniformSamples
from har_stream.configuration import load_settings
from har_stream.manifest import Framing
from har_stream.sources.serial_port import SerialPort
from har_stream.sources.serial_ports import device_id

PROGRAM: Final = "har-bridge"
RATE_HZ: Final = 50.0
"""What the daemon's models take."""

DEFAULT_LATENCY_MS: Final = 100.0
DRAIN_S: Final = 3.0
MS: Final = 1000


def run(arguments: argparse.Namespace, stop: Stop) -> int:
    """Pass a device on until the end is asked for."""
    settings = load_settings(arguments.config, os.environ, {})
    broker = parse_broker_uri(arguments.to, settings.mqtt)
    uri = serial_uri(arguments.serial, arguments.device)
    port = SerialPort(uri, settings)
    port.fit(Framing(RATE_HZ, window=1, hop=1))
    device = uri.query.get("device") or device_id(uri.rest)
    latency_ms = DEFAULT_LATENCY_MS if arguments.latency_ms is None else arguments.latency_ms
    block = arguments.block or max(1, round(latency_ms * RATE_HZ / MS))
    accounting = Accounting()
    uniform = UniformSamples(settings.intake, accounting, rate_hz=RATE_HZ)
    cutting = Cutting(block=block, rate_hz=RATE_HZ)
    bridge = _Bridge(port, device, accounting, cutting, every_s=arguments.every)
    topic = f"{broker.path}/{device}/imu"
    outbox = Outbox(broker, settings.mqtt, topic, limit=arguments.queue, on_idle=bridge.idle)
    bridge.outbox = outbox
    outbox.start()
    stop.begun = True
    for blocks in port.blocks(stop):
        accounting.enter(sum(block.samples for block in blocks))
        outbox.put(cutting.push(uniform.push(blocks)))
    outbox.put(cutting.flush())
    outbox.close(DRAIN_S)
    bridge.tell("ended")
    return os.EX_OK


class _Bridge:
    """What is told of the work, and what is done between: called by the outbox's thread."""

    outbox: Outbox

    def __init__(
        self, port: SerialPort, device: str, accounting: Accounting, cutting: Cutting, *, every_s: float
    ) -> None:
        self._port, self._device, self._accounting, self._cutting = port, device, accounting, cutting
        self._every_s, self._told_s = every_s, time.monotonic()

    def idle(self) -> None:
        """Send what waits too long for a whole message, and tell how it goes when it is time."""
        now_s = time.monotonic()
        self.outbox.put(self._cutting.flush(now_s=now_s))
        if now_s - self._told_s >= self._every_s:
            self._told_s = now_s
            self.tell("running")

    def tell(self, what: str) -> None:
        """Tell the books: samples as the device sent them, then as they are at the model's rate."""
        accounting, outbox = self._accounting, self.outbox
        facts: dict[str, Any] = {
            "run": what,
            "device": self._device,
            "port": self._port.condition,
            "reconnects": self._port.reconnects,
            "broker": "connected" if outbox.connected else "away",
            "samples": accounting.samples_in,
            "refused": dict(accounting.refused),
            "gaps": accounting.dropped["gap"],
            "bridged": accounting.bridged,
            "published": outbox.published,
            "messages": outbox.messages,
            "waiting": outbox.waiting + self._cutting.held,
            "dropped": outbox.dropped,
        }
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(accounting.refused.items())) or "none"
        line = (
            f"{what}: {self._device}: port {facts['port'] or 'not opened yet'}, broker {facts['broker']}; "
            f"{facts['samples']} samples in, refused {refused}; at {RATE_HZ:g} Hz {facts['published']} published, "
            f"{facts['waiting']} waiting, {facts['dropped']} dropped"
        )
        tell(PROGRAM, facts, line)
