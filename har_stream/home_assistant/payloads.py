"""What Home Assistant is told: a device's description, retained, and its state. No I/O."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from har_stream import __version__
from har_stream.home_assistant.components import availability, components
from har_stream.home_assistant.identity import object_id
from har_stream.today import Standing

ORIGIN: Final = "har-stream"
SECONDS_A_MINUTE: Final = 60
DECIMALS: Final = 1
CONFIDENCE_DECIMALS: Final = 4


def discovery(prefix: str, device: str, *, labels: tuple[str, ...], model: str) -> dict[str, Any]:
    """Return the description of a device with a lawful id, whose topics begin with prefix/device."""
    own = object_id(prefix, device)
    topics = f"{prefix}/{device}"
    daemon = availability(f"{prefix}/status")
    return {
        "device": {
            "identifiers": [own],
            "name": device,
            "manufacturer": ORIGIN,
            "model": model,
            "sw_version": __version__,
        },
        "origin": {"name": ORIGIN, "sw_version": __version__},
        "availability": [daemon, availability(f"{topics}/availability")],
        "availability_mode": "all",
        "qos": 1,
        "components": {
            name: component | {"unique_id": f"{own}_{name}"}
            for name, component in components(labels, topics, daemon).items()
        },
    }


def discovery_json(prefix: str, device: str, *, labels: tuple[str, ...], model: str) -> str:
    """Return the description as it is published."""
    return msgspec.json.encode(discovery(prefix, device, labels=labels, model=model)).decode()


def state_json(standing: Standing, labels: tuple[str, ...]) -> str:
    """Return how a device stands, as it is published."""
    minutes = {label: standing.seconds_today.get(label, 0.0) / SECONDS_A_MINUTE for label in labels}
    return msgspec.json.encode(
        {
            "activity": standing.activity,
            "confidence": round(standing.confidence, CONFIDENCE_DECIMALS),
            "seconds_in_activity": round(standing.seconds_in_activity, DECIMALS),
            "minutes_today": {label: round(held, DECIMALS) for label, held in minutes.items()},
            "moving": standing.moving,
            "rate_hz": None if standing.rate_hz is None else round(standing.rate_hz, DECIMALS),
        }
    ).decode()
