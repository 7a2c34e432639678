"""Devices that a core serves through a real MQTT broker: messages in, labels out, the daemon's process alone counted.

    har-bridge simulate -> broker -> har-stream (source mqtt:, sink mqtt:) -> broker

It is asked for less than it can do, and its processor time says how much that would be. What was sent and what arrived
is told beside it.
"""

from __future__ import annotations

import time
from typing import Any, Final

from har_stream.bench.broker import broker
from har_stream.bench.daemon_process import DaemonProcess
from har_stream.bench.figures import BrokerLoad
from har_stream.bench.load import Load
from har_stream.bench.options import Options
from har_stream.bench.retained import clear_retained
from har_stream.manifest import load_manifest, resolve

DEVICES: Final = 2_000
QUICK_DEVICES: Final = 200
SECONDS: Final = 15.0
QUICK_SECONDS: Final = 4.0
WARM_UP_S: Final = 4.0
"""Until every device has had a window."""
AFTER_S: Final = 1.0
START_S: Final = 30.0
POLL_S: Final = 0.05


def measure(options: Options) -> dict[str, Any]:
    """Return mqtt_devices_per_core, and what it was measured with. Raises NotMeasured."""
    devices, seconds = (QUICK_DEVICES, QUICK_SECONDS) if options.quick else (DEVICES, SECONDS)
    devices = min(devices, max(options.devices))
    rate_hz = load_manifest(resolve(options.model)).framing.rate_hz
    with broker(options) as uri:
        try:
            load = _serve(uri, devices, seconds, rate_hz, options)
        finally:
            if options.broker:
                options.progress("mqtt: taking back what the broker retains")
                clear_retained(uri)
    return {"mqtt_devices_per_core": load.device_s / load.cpu_s, "mqtt": load}


def _serve(uri: str, devices: int, seconds: float, rate_hz: float, options: Options) -> BrokerLoad:
    options.progress(f"mqtt: {devices} devices")
    whole_s = WARM_UP_S + seconds + AFTER_S
    with (
        DaemonProcess(f"{uri}/+/imu?format=cbor-block", uri, model=options.model, max_devices=devices) as daemon,
    ):
        daemon.wait_until_ready()
        with Load(uri, devices, whole_s) as load:
            _wait_for_samples(daemon, load)
            time.sleep(WARM_UP_S)
            begins, begins_s = daemon.books(), daemon.cpu_s()
            time.sleep(seconds)
            ends, ends_s = daemon.books(), daemon.cpu_s()
            told = load.wait(START_S + whole_s)
        received = _received(daemon, told["sent"])
        daemon.check()
    device_s = (ends["used"] - begins["used"]) / rate_hz
    return BrokerLoad(devices, told["sent"], received, ends_s - begins_s, device_s)


def _wait_for_samples(daemon: DaemonProcess, load: Load) -> None:
    """Wait until the load has begun to arrive."""
    until_s = time.monotonic() + START_S
    while not daemon.books().get("in") and time.monotonic() < until_s:
        load.check()
        time.sleep(POLL_S)


def _received(daemon: DaemonProcess, sent: int) -> int:
    """Return how many samples have come, once all did or no more come."""
    before, now = -1.0, daemon.books()["in"]
    while before < now < sent:
        time.sleep(AFTER_S)
        before, now = now, daemon.books()["in"]
    return int(now)
