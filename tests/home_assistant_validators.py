"""Runs under a Python that has Home Assistant: its own validators over descriptions (JSON on stdin), faults on stdout.

A description takes its way through discovery: the schema of devices, shared options handed down, then the schema of
each platform, in the strict form for YAML that refuses what it does not know. Templates render the state.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
import tempfile
from typing import Any


async def main() -> None:
    from homeassistant.core import HomeAssistant  # noqa: PLC0415 - mypy reads this without Home Assistant
    from homeassistant.helpers import frame  # noqa: PLC0415

    home = HomeAssistant(tempfile.gettempdir())
    frame.async_setup(home)
    given = json.load(sys.stdin)
    faults = {name: fault(payload) for name, payload in given["payloads"].items()}
    answer = {"faults": faults, "rendered": rendered(home, given["payloads"]["right"], given["state"])}
    print(json.dumps(answer))  # noqa: T201 - the answer


def fault(payload: dict[str, Any]) -> str:
    from homeassistant.components.mqtt import binary_sensor, schemas, sensor  # noqa: PLC0415 - as above

    platforms = {"sensor": sensor.PLATFORM_SCHEMA_MODERN, "binary_sensor": binary_sensor.PLATFORM_SCHEMA_MODERN}
    try:
        schemas.DEVICE_DISCOVERY_SCHEMA(copy.deepcopy(payload))
        for component in payload["components"].values():
            own = {key: value for key, value in component.items() if key != "platform"}
            shared = {key: payload[key] for key in schemas.SHARED_OPTIONS if key in payload}
            platforms[component["platform"]](shared | own | {"device": payload["device"]})
    except Exception as error:  # noqa: BLE001 - the library of the schemas is another one from 2026 on
        return f"{type(error).__name__}: {error}"
    return ""


def rendered(home: Any, payload: dict[str, Any], state: str) -> dict[str, str]:
    from homeassistant.helpers.template import Template  # noqa: PLC0415 - as above

    return {
        name: str(Template(one["value_template"], home).async_render_with_possible_json_value(state))
        for name, one in payload["components"].items()
        if "value_template" in one
    }


asyncio.run(main())
