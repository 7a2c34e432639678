"""The entities of a device, as Home Assistant's MQTT device discovery describes them. No I/O.

The activity has its plain topic and no attributes; all others read the state, each by a template of its own. So nothing
is told twice, and an automation on the activity is triggered once for each change.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from har_stream.activities import UNKNOWN

Component = dict[str, Any]

SENSOR, BINARY_SENSOR = "sensor", "binary_sensor"
DIAGNOSTIC: Final = {"entity_category": "diagnostic"}
MEASUREMENT: Final = {"state_class": "measurement"}
ONLINE, OFFLINE = "online", "offline"
TODAY: Final = "today"
PLAIN_LABEL: Final = re.compile(r"[a-z0-9_]{1,64}")


def components(labels: tuple[str, ...], topics: str, daemon: Component) -> dict[str, Component]:
    """Return the components of a device by their ids, without their unique ids.

    topics is what the device's topics begin with, daemon the availability of the daemon alone.
    """
    state = {"state_topic": f"{topics}/state"}
    return {
        "activity": _activity(labels, topics),
        "confidence": state | _confidence(),
        "time_in_activity": state | _time_in_activity(),
        "moving": state | _moving(),
        **{name: state | _minutes(label) for name, label in _ids_of_days(labels).items()},
        "connectivity": _connectivity(topics, daemon),
        "rate": state | _rate(),
    }


def availability(topic: str) -> Component:
    """Return that a topic says online or offline."""
    return {"topic": topic, "payload_available": ONLINE, "payload_not_available": OFFLINE}


def _activity(labels: tuple[str, ...], topics: str) -> Component:
    return {
        "platform": SENSOR,
        "name": "Activity",
        "device_class": "enum",
        "options": [*labels, UNKNOWN],
        "state_topic": f"{topics}/activity",
        "icon": "mdi:walk",
    }


def _confidence() -> Component:
    return MEASUREMENT | {
        "platform": SENSOR,
        "name": "Confidence",
        "unit_of_measurement": "%",
        "suggested_display_precision": 0,
        "value_template": "{{ (value_json.confidence * 100) | round(1) }}",
        "icon": "mdi:gauge",
    }


def _time_in_activity() -> Component:
    return MEASUREMENT | {
        "platform": SENSOR,
        "name": "Time in activity",
        "device_class": "duration",
        "unit_of_measurement": "s",
        "suggested_display_precision": 0,
        "value_template": "{{ value_json.seconds_in_activity }}",
    }


def _moving() -> Component:
    """Return whether the body moves; templates render true, false and null as True, False and None (unknown)."""
    return {
        "platform": BINARY_SENSOR,
        "name": "Moving",
        "device_class": "moving",
        "payload_on": "True",
        "payload_off": "False",
        "value_template": "{{ value_json.moving }}",
    }


def _minutes(label: str) -> Component:
    """Return the minutes of one activity today: a total that begins anew at midnight, or wherever it falls."""
    return {
        "platform": SENSOR,
        "name": f"{label.replace('_', ' ').capitalize()} {TODAY}",
        "device_class": "duration",
        "unit_of_measurement": "min",
        "state_class": "total_increasing",
        "suggested_display_precision": 0,
        "value_template": f"{{{{ value_json.minutes_today[{json.dumps(label)}] }}}}",
    }


def _ids_of_days(labels: tuple[str, ...]) -> dict[str, str]:
    return {
        f"{label if PLAIN_LABEL.fullmatch(label) else f'activity-{number}'}_{TODAY}": label
        for number, label in enumerate(labels)
    }


def _connectivity(topics: str, daemon: Component) -> Component:
    """Return whether the device is heard; while the daemon is there that is known of a silent device too."""
    return DIAGNOSTIC | {
        "platform": BINARY_SENSOR,
        "name": "Connectivity",
        "device_class": "connectivity",
        "state_topic": f"{topics}/availability",
        "payload_on": ONLINE,
        "payload_off": OFFLINE,
        "availability": [daemon],
    }


def _rate() -> Component:
    return (
        DIAGNOSTIC
        | MEASUREMENT
        | {
            "platform": SENSOR,
            "name": "Rate",
            "device_class": "frequency",
            "unit_of_measurement": "Hz",
            "suggested_display_precision": 0,
            "value_template": "{{ value_json.rate_hz }}",
        }
    )
