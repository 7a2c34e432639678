"""Why the stream is not ready, if so: a line for each part that keeps labels from being made or going out."""

from __future__ import annotations

from typing import Final

from har_stream.plausibility import TEXTS
from har_stream.vitals import Vitals

WELL: Final = "ok"


def reasons(vitals: Vitals) -> list[str]:
    """Return what is wrong; nothing where samples come in, labels go out, and what is to be kept is.

    Samples that look wrong are not among it: labels are made of them, and what is wrong is with one device.
    """
    found = [f"{name}: {condition}" for name, condition in _conditions(vitals) if condition]
    if vitals.stream.late:
        found.append("engine: does not answer")
    if vitals.ending:
        found.append("the stream is ending")
    return found


def parts(vitals: Vitals) -> dict[str, str]:
    """Return how each part stands; of several sinks by one name the one that is not well."""
    told = {"model": f"{WELL} ({vitals.model.name})"}
    for name, condition in _conditions(vitals):
        if condition or name not in told:
            told[name] = condition or WELL
    return told


def suspicions(vitals: Vitals) -> dict[str, str]:
    """Return what looks wrong with the samples of devices."""
    return {device: TEXTS[suspicion] for device, suspicion in sorted(vitals.stream.suspicions.items())}


def _conditions(vitals: Vitals) -> list[tuple[str, str]]:
    """Return the parts and what is wrong with each. That HTTP answers at all says that the model is loaded."""
    found = [("source", vitals.source), *((sink.name, sink.condition) for sink in vitals.sinks)]
    found.append(("state", vitals.state))
    if vitals.recording is not None:
        found.append(("record", vitals.recording.condition))
    return found
