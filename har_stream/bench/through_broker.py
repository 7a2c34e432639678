"""Devices that a core serves through a real MQTT broker: messages in, labels out, the daemon's process alone counted.

    har-bridge simulate -> broker -> har-stream (source mqtt:, sink mqtt:) -> broker

It is given more and more, until not all of it arrives, twice. What was sent and what arrived is told beside it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from har_stream.bench.broker import broker
from har_stream.bench.daemon_process import DaemonProcess
from har_stream.bench.figures import BrokerLoad
from har_stream.bench.load import Load
from har_stream.bench.options import Options
from har_stream.bench.retained import clear_retained
from har_stream.manifest import load_manifest, resolve
from har_stream.sources.inbox import FULL, OVERDUE, OVERLOAD
from har_stream.sources.shedding import FORGOTTEN_S

DEVICES: Final = 1_000
SECONDS: Final = 8.0
QUICK_SECONDS: Final = 2.0
START_S: Final = 60.0
POLL_S: Final = 0.5

STEPS: Final = 6
QUICK_STEPS: Final = 1
FASTER: Final = 2.0
"""From step to step: the more there is to do, the larger are the ticks, and the less each device costs."""
ARRIVED: Final = 0.999
"""Share of the samples that must arrive."""
TRIES: Final = 2
"""Of a step: another program may have had its turn."""


def measure(options: Options, *, most: int = DEVICES, hop: int = 0, halvings: int = 0) -> dict[str, Any]:
    """Return mqtt_devices_per_core, and what it was measured with, from `most` devices on; see _search for halvings.

    Raises NotMeasured.
    """
    devices = min(most, max(options.devices))
    rate_hz = load_manifest(resolve(options.model)).framing.rate_hz
    with broker(options) as uri:
        try:
            best = _best(_steps(uri, devices, rate_hz, options, hop, halvings))
        finally:
            if options.broker:
                options.progress("mqtt: taking back what the broker retains")
                clear_retained(uri)
    return {"mqtt_devices_per_core": per_core(best), "mqtt": best}


def per_core(load: BrokerLoad) -> float:
    """Return how many devices in real time a core would serve."""
    return load.device_s / load.cpu_s


def _best(steps: list[BrokerLoad]) -> BrokerLoad:
    """Return the step with the most to do of those in which everything arrived, or else the first."""
    return max((step for step in steps if _arrived(step)), key=per_core, default=steps[0])


def _arrived(step: BrokerLoad) -> bool:
    return step.received >= ARRIVED * step.sent


def _steps(uri: str, devices: int, rate_hz: float, options: Options, hop: int, halvings: int) -> list[BrokerLoad]:
    """Search with a har-stream of its own."""
    seconds = QUICK_SECONDS if options.quick else SECONDS
    source = f"{uri}/+/imu?format=cbor-block"
    with DaemonProcess(source, uri, model=options.model, max_devices=devices, hop=hop) as daemon:
        daemon.wait_until_ready()

        def attempt(speed: float) -> BrokerLoad:
            options.progress(f"mqtt: {devices * speed:.0f} devices")
            return _try(daemon, uri, BrokerLoad(devices, speed), seconds, rate_hz)

        return _search(attempt, QUICK_STEPS if options.quick else STEPS, 0 if options.quick else halvings)


def _search(attempt: Callable[[float], BrokerLoad], steps: int, halvings: int) -> list[BrokerLoad]:
    """Attempt the devices' own pace, then faster, as that many more devices would be, until not all arrives any more.

    Then attempt the middle between what did and what did not, `halvings` times.
    """
    found = [attempt(1.0)]
    while _arrived(found[-1]) and len(found) < steps:
        found.append(attempt(FASTER * found[-1].speed))
    if _arrived(found[-1]) or len(found) == 1:
        return found
    served, lost = found[-2].speed, found[-1].speed
    for _ in range(halvings):
        found.append(attempt(math.sqrt(served * lost)))
        served, lost = (found[-1].speed, lost) if _arrived(found[-1]) else (served, found[-1].speed)
    return found


def _try(daemon: DaemonProcess, uri: str, step: BrokerLoad, seconds: float, rate_hz: float) -> BrokerLoad:
    """Return what became of a step, at its last try."""
    done = _step(daemon, uri, step, seconds, rate_hz)
    for _ in range(TRIES - 1):
        if not _arrived(done):
            time.sleep(FORGOTTEN_S)  # until then some may sit out
            done = _step(daemon, uri, step, seconds, rate_hz)
    return done


def _step(daemon: DaemonProcess, uri: str, step: BrokerLoad, seconds: float, rate_hz: float) -> BrokerLoad:
    """Send for so many seconds, and return what became of it once all of it is through."""
    before, before_s = _taken(daemon.books()), daemon.cpu_s()
    with Load(uri, step.devices, seconds * step.speed, speed=step.speed, start_s=time.time()) as load:
        sent = load.wait(START_S + seconds)["sent"]
    received = _taken(_settled(daemon)) - before
    cpu_s = daemon.cpu_s() - before_s
    daemon.check()
    return msgspec.structs.replace(step, sent=sent, received=int(received), cpu_s=cpu_s, device_s=received / rate_hz)


def _settled(daemon: DaemonProcess) -> dict[str, float]:
    """Return the books once nothing changes in them any more: all that came is through, or counted as dropped."""
    before: dict[str, float] = {}
    while before != (now := daemon.books()):
        before = now
        time.sleep(POLL_S)
    return now


def _taken(books: dict[str, float]) -> float:
    """Return how many samples the engine has had; messages for which there was no room cost it nothing."""
    return books["in"] - sum(books.get(f"refused/{reason}", 0.0) for reason in (FULL, OVERLOAD, OVERDUE))
