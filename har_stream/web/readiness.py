"""Why the stream is not ready, if so: a line for each part that keeps labels from being made or going out."""

from __future__ import annotations

from har_stream.plausibility import TEXTS
from har_stream.vitals import Vitals


def reasons(vitals: Vitals) -> list[str]:
    """Return what is wrong; nothing where samples come in, labels go out, and what is to be kept is.

    Samples that look wrong are not among it: labels are made of them, and what is wrong is with one device.
    """
    parts = [("source", vitals.source), *((sink.name, sink.condition) for sink in vitals.sinks)]
    parts.append(("state", vitals.state))
    if vitals.recording is not None:
        parts.append(("record", vitals.recording.condition))
    found = [f"{name}: {condition}" for name, condition in parts if condition]
    if vitals.stream.late:
        found.append("engine: does not answer")
    if vitals.ending:
        found.append("the stream is ending")
    return found


def suspicions(vitals: Vitals) -> dict[str, str]:
    """Return what looks wrong with the samples of devices."""
    return {device: TEXTS[suspicion] for device, suspicion in sorted(vitals.stream.suspicions.items())}
