"""Home Assistant's own validators over our descriptions, where a Python that has them is at hand.

HOME_ASSISTANT_PYTHON names it. Any Python 3.13 will do, with `pip install homeassistant paho-mqtt`, which then takes
2025.4.4; with Python 3.14 it takes the newest.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from har_stream.activities import ACTIVITIES
from har_stream.home_assistant.payloads import state_json
from tests.test_home_assistant_payloads import STANDING, described

PYTHON = os.environ.get("HOME_ASSISTANT_PYTHON", "")
SCRIPT = Path(__file__).with_name("home_assistant_validators.py")
REFUSED = [
    ("activity", "state_class", "measurement"),
    ("activity", "unit_of_measurement", "s"),
    ("activity", "device_class", "duration"),
    ("activity", "options", []),
    ("moving", "state_class", "measurement"),
    ("moving", "device_class", "walking"),
]

pytestmark = pytest.mark.skipif(not PYTHON, reason="HOME_ASSISTANT_PYTHON names no Python that has Home Assistant")


def answer(payloads: dict[str, Any], state: str) -> dict[str, Any]:
    done = subprocess.run(
        [PYTHON, str(SCRIPT)],
        input=json.dumps({"payloads": payloads, "state": state}),
        text=True,
        capture_output=True,
        check=True,
        timeout=120,
    )
    held: dict[str, Any] = json.loads(done.stdout)
    return held


def test_they_take_ours_refuse_what_is_wrong_and_render_the_state() -> None:
    payloads = {"right": described()}
    for name, key, value in REFUSED:
        wrong = copy.deepcopy(described())
        wrong["components"][name][key] = value
        payloads[f"{name}.{key}"] = wrong
    told = answer(payloads, state_json(STANDING, ACTIVITIES))
    assert told["faults"].pop("right") == ""
    assert all(told["faults"].values())
    days = {f"{activity}_today": "0.0" for activity in ACTIVITIES} | {"walking_today": "1.5"}
    assert told["rendered"] == days | {
        "confidence": "98.8",
        "time_in_activity": "12.3",
        "moving": "True",
        "rate": "None",
    }
