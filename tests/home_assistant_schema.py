"""What Home Assistant 2026.11.0 takes in a device's MQTT description, as a table to hold ours against.

Written down from reading its components/mqtt (schemas.py, sensor.py, binary_sensor.py, config.py, discovery.py) and
the device classes of components/sensor and components/binary_sensor. Only what we could send stands here, in full
names, and it is stricter where we mean less, as with wildcards. Its own validators need Python 3.14; those of an older
version are asked in tests/test_home_assistant_validators.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def topic(value: Any) -> bool:
    """What may be subscribed to; we never mean a wildcard."""
    return text(value) and not set(value) & set("+#\0") and len(value.encode()) <= 65535 and value.isprintable()


def template(value: Any) -> bool:
    return text(value) and re.fullmatch(r"\{\{ .+ \}\}", value) is not None


def texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(text, value))


def not_negative(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def truth(value: Any) -> bool:
    return isinstance(value, bool)


def icon(value: Any) -> bool:
    return text(value) and ":" in value


def one_of(*values: Any) -> Check:
    return lambda value: value in values


def table_of(known: dict[str, Check], required: set[str]) -> Check:
    return lambda value: isinstance(value, dict) and not list(faults_of(value, known, required))


AVAILABILITY_ENTRY = table_of(
    {"topic": topic, "payload_available": text, "payload_not_available": text, "value_template": template}, {"topic"}
)


def availability(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(AVAILABILITY_ENTRY, value))


AVAILABILITY: dict[str, Check] = {"availability": availability, "availability_mode": one_of("all", "any", "latest")}
DEVICE = table_of(
    {
        **dict.fromkeys(
            ("manufacturer", "model", "model_id", "name", "hw_version", "serial_number", "sw_version"), text
        ),
        "identifiers": texts,
        "suggested_area": text,
        "via_device": text,
    },
    {"identifiers"},
)
ORIGIN = table_of({"name": text, "sw_version": text}, {"name"})

TOP: dict[str, Check] = AVAILABILITY | {
    "device": DEVICE,
    "origin": ORIGIN,
    "components": lambda value: isinstance(value, dict) and bool(value),
    "state_topic": topic,
    "qos": one_of(0, 1, 2),
    "encoding": text,
}
ENTITY: dict[str, Check] = AVAILABILITY | {
    "platform": one_of("sensor", "binary_sensor"),
    "unique_id": text,
    "name": text,
    "state_topic": topic,
    "value_template": template,
    "json_attributes_topic": topic,
    "json_attributes_template": template,
    "icon": icon,
    "entity_category": one_of("diagnostic"),  # a sensor may not be in "config"
    "enabled_by_default": truth,
    "default_entity_id": text,
    "expire_after": not_negative,
    "force_update": truth,
    "qos": one_of(0, 1, 2),
    "encoding": text,
}
UNITS: dict[str | None, set[str | None]] = {
    "duration": {"d", "h", "min", "s", "ms", "μs"},
    "frequency": {"μHz", "mHz", "Hz", "kHz", "MHz", "GHz"},
    "enum": {None},
    None: {None, "%"},
}
STATE_CLASSES: dict[str | None, set[str | None]] = {
    "duration": {None, "measurement", "total", "total_increasing"},
    "frequency": {None, "measurement"},
    "enum": {None},
    None: {None, "measurement", "total", "total_increasing"},
}
SENSOR: dict[str, Check] = ENTITY | {
    "device_class": one_of(*(name for name in UNITS if name)),
    "options": texts,
    "state_class": one_of("measurement", "total", "total_increasing"),
    "unit_of_measurement": text,
    "suggested_display_precision": not_negative,
    "last_reset_value_template": template,
}
BINARY_SENSOR: dict[str, Check] = ENTITY | {
    "device_class": one_of("connectivity", "moving", "motion", "occupancy", "running"),
    "payload_on": text,
    "payload_off": text,
    "off_delay": not_negative,
}
REQUIRED = {"platform", "unique_id", "state_topic"}
TOPIC = re.compile(r"[^/]+/device/[A-Za-z0-9_-]+/config")
"""Where a description is looked for; the first level stands for the discovery prefix."""


def faults_of(table: dict[str, Any], known: dict[str, Check], required: set[str]) -> Iterator[str]:
    yield from (f"{key} is missing" for key in sorted(required - set(table)))
    for key, value in table.items():
        if key not in known:
            yield f"{key} is unknown"
        elif not known[key](value):
            yield f"{key} may not be {value!r}"


def faults(payload: dict[str, Any]) -> list[str]:
    """Return what Home Assistant would refuse, drop or warn of in a description."""
    found = list(faults_of(payload, TOP, {"device", "origin", "components"}))
    components = payload.get("components", {})
    for name, component in components.items():
        shared = {key: payload[key] for key in ("state_topic", "availability") if key in payload}
        found += [f"{name}: {fault}" for fault in entity_faults(shared | component)]
    unique = [component.get("unique_id") for component in components.values()]
    names = [component.get("name") for component in components.values()]
    return found + [f"{value} stands twice" for value in {*unique, *names} if (unique + names).count(value) > 1]


def entity_faults(entity: dict[str, Any]) -> Iterator[str]:
    is_sensor = entity.get("platform") == "sensor"
    yield from faults_of(entity, SENSOR if is_sensor else BINARY_SENSOR, REQUIRED)
    if is_sensor:
        yield from _forbidden(entity)


def _forbidden(entity: dict[str, Any]) -> Iterator[str]:
    """What may not stand together."""
    kind, unit, state = (entity.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
    if "options" in entity and (unit or state):
        yield "options with state_class or unit_of_measurement"
    if "options" in entity and kind != "enum":
        yield "options without device_class enum"
    if kind == "enum" and "options" not in entity:
        yield "enum without options"
    if "last_reset_value_template" in entity and state != "total":
        yield "last_reset_value_template without state_class total"
    if unit not in UNITS.get(kind, {unit}):
        yield f"{kind} in {unit}"
    if state not in STATE_CLASSES.get(kind, {state}):
        yield f"{kind} with {state}"
