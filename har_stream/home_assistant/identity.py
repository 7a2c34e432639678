"""The names that Home Assistant knows devices by: lawful in topics, stable, one of a kind for each prefix. No I/O.

    prefix har, device watch        har_watch              homeassistant/device/har_watch/config
    prefix home/har, device watch   home-har-1a2b3c4d_watch

The first underscore parts prefix and device, so that no two pairs of them give the same name.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from har_stream.devices import LAWFUL_ID

PLAIN: Final = re.compile(r"[A-Za-z0-9-]{1,32}")
"""Such a prefix stands for itself; others get a digest, so that what is replaced in them makes no two alike."""
OTHER: Final = re.compile(r"[^A-Za-z0-9-]+")
DIGEST_DIGITS: Final = 8
LONGEST_SLUG: Final = 32
DIGESTED: Final = re.compile(rf".*-[0-9a-f]{{{DIGEST_DIGITS}}}")


def node(prefix: str) -> str:
    """Return what stands for a topic prefix."""
    if PLAIN.fullmatch(prefix) and not DIGESTED.fullmatch(prefix):
        return prefix
    digest = hashlib.sha256(prefix.encode()).hexdigest()[:DIGEST_DIGITS]
    return f"{OTHER.sub('-', prefix).strip('-')[:LONGEST_SLUG]}-{digest}"


def object_id(prefix: str, device: str) -> str:
    """Return what stands for a device: its object id, identifier, and the beginning of its unique ids."""
    return f"{node(prefix)}_{device}"


def config_topic(discovery_prefix: str, prefix: str, device: str) -> str:
    """Return the topic that a device is announced on."""
    return f"{discovery_prefix}/device/{object_id(prefix, device)}/config"


def device_of(topic: str, discovery_prefix: str, prefix: str) -> str | None:
    """Return the device that is announced on a topic, None where it is none under this prefix."""
    device = topic.removeprefix(f"{discovery_prefix}/device/{node(prefix)}_").removesuffix("/config")
    lawful = LAWFUL_ID.fullmatch(device) and topic == config_topic(discovery_prefix, prefix, device)
    return device if lawful else None
