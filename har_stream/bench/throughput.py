"""Device-seconds that one core-second serves, from CBOR messages to predictions, and which stage costs how much.

Counted is the processor time of this process, which other programs on the machine do not change much. Making the
messages is not counted. How the time is shared out among the stages is found in a pass of its own, whose timers would
cost the main figure something; the shares are of the time that was found without them.
"""

from __future__ import annotations

import time
from typing import Any, Final

from har_stream.bench.fleet import BLOCK, Fleet
from har_stream.bench.inner import InnerStream
from har_stream.bench.options import Options
from har_stream.bench.stages import stage_shares
from har_stream.classifier import Classifier
from har_stream.manifest import Manifest, load_manifest, resolve

SECONDS: Final = 4.0
QUICK_SECONDS: Final = 0.5
STAGES_AT: Final = 1_000
"""Devices at which the stages are told apart."""
US_A_SECOND: Final = 1e6


def measure(options: Options) -> dict[str, Any]:
    """Return devices_per_core and stages_us."""
    folder = resolve(options.model)
    manifest = load_manifest(folder)
    classifier = Classifier(folder, manifest)
    seconds = QUICK_SECONDS if options.quick else SECONDS
    per_core: dict[str, float] = {}
    stages_at = min(options.devices, key=lambda devices: abs(devices - STAGES_AT))
    stages_us: dict[str, float] = {}
    for devices in options.devices:
        options.progress(f"throughput: {devices} devices")
        stream = InnerStream(Fleet(devices, manifest.framing), manifest, classifier)
        stream.warm_up()
        each = per_core[str(devices)] = _device_s_per_core_s(stream, manifest, seconds)
        if devices == stages_at:
            options.progress(f"throughput: stages at {devices} devices")
            shares = stage_shares(stream, seconds)
            stages_us = {stage: share * US_A_SECOND / each for stage, share in shares.items()}
    return {"devices_per_core": per_core, "stages_us": stages_us}


def _device_s_per_core_s(stream: InnerStream, manifest: Manifest, seconds: float) -> float:
    # So many rounds bring every device to where it was in its hop: few devices have windows in few rounds only.
    devices = len(stream.fleet.names)
    alike = 1 if devices >= manifest.framing.hop else manifest.framing.hop
    cpu_s, rounds, until_s = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < until_s or rounds % alike:
        messages = stream.fleet.round()
        begins_s = time.process_time()
        stream.push(messages)
        cpu_s += time.process_time() - begins_s
        rounds += 1
    return rounds * devices * BLOCK / manifest.framing.rate_hz / cpu_s
