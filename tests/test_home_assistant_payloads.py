"""Descriptions and states as Home Assistant takes them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.activities import ACTIVITIES
from har_stream.home_assistant.identity import config_topic, device_of, node, object_id
from har_stream.home_assistant.payloads import discovery, discovery_json, state_json
from har_stream.today import Standing
from tests.home_assistant_schema import TOPIC, faults

DEVICES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
PREFIXES = st.lists(
    st.text(st.characters(exclude_characters="+#/\0", exclude_categories=["Cs", "Cc"]), min_size=1)
).map(lambda levels: "/".join(levels) or "har") | st.from_regex(
    r"[a-z0-9_-]{1,8}(/[a-z0-9_-]{1,8}){0,2}", fullmatch=True
)


def described(labels: tuple[str, ...] = ACTIVITIES) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(discovery_json("har", "watch", labels=labels, model="sway-lstm"))
    return held


def test_every_key_and_value_is_one_that_home_assistant_knows() -> None:
    assert faults(described()) == []


def test_all_that_was_asked_for_is_there() -> None:
    components = described()["components"]
    days = {f"{activity}_today" for activity in ACTIVITIES}
    assert set(components) == {"activity", "confidence", "time_in_activity", "moving", "connectivity", "rate", *days}
    assert components["activity"]["options"] == [*ACTIVITIES, "unknown"]
    diagnostic = {name for name, one in components.items() if one.get("entity_category") == "diagnostic"}
    assert diagnostic == {"connectivity", "rate"}


def test_daemon_and_device_must_both_be_there_but_to_say_that_the_device_is_not() -> None:
    held = described()
    topics = [entry["topic"] for entry in held["availability"]]
    assert (held["availability_mode"], topics) == ("all", ["har/status", "har/watch/availability"])
    others = {name: one["availability"] for name, one in held["components"].items() if "availability" in one}
    assert others == {"connectivity": [held["availability"][0]]}


def test_no_entity_is_updated_by_two_topics() -> None:
    assert "json_attributes" not in discovery_json("har", "watch", labels=ACTIVITIES, model="m")
    topics = {name: one["state_topic"] for name, one in described()["components"].items()}
    assert topics.pop("activity") == "har/watch/activity"
    assert topics.pop("connectivity") == "har/watch/availability"
    assert set(topics.values()) == {"har/watch/state"}


WRONG: list[tuple[str, str, Any, str]] = [
    ("activity", "state_class", "measurement", "options with"),
    ("activity", "unit_of_measurement", "s", "options with"),
    ("activity", "device_class", "duration", "options without"),
    ("activity", "options", [], "options may not be"),
    ("activity", "object_id", "x", "object_id is unknown"),
    ("activity", "state_topic", "har/+/activity", "state_topic may not be"),
    ("activity", "entity_category", "config", "entity_category may not be"),
    ("rate", "unit_of_measurement", "1/s", "frequency in 1/s"),
    ("rate", "state_class", "total", "frequency with total"),
    ("time_in_activity", "unit_of_measurement", "seconds", "duration in seconds"),
    ("moving", "device_class", "walking", "device_class may not be"),
    ("moving", "state_class", "measurement", "state_class is unknown"),
    ("moving", "unique_id", "har_watch_rate", "stands twice"),
    ("confidence", "value_template", "value_json.x", "value_template may not be"),
    ("confidence", "last_reset_value_template", "{{ 0 }}", "last_reset_value_template without"),
]


@pytest.mark.parametrize(("name", "key", "value", "fault"), WRONG)
def test_the_table_knows_what_is_wrong(name: str, key: str, value: Any, fault: str) -> None:
    held = copy.deepcopy(described())
    held["components"][name][key] = value
    assert any(fault in found for found in faults(held))


@pytest.mark.parametrize(
    ("key", "value"), [("origin", {}), ("device", {"name": "x"}), ("availability_mode", "both"), ("abc", 1), ("qos", 3)]
)
def test_the_table_knows_what_is_wrong_at_the_top(key: str, value: Any) -> None:
    assert faults(described() | {key: value})


def test_a_models_own_labels_are_described_too() -> None:
    labels = ('say "hi"', "Über den Fluß", "}} x", "running")
    held = described(labels)
    assert faults(held) == []
    assert held["components"]["activity-1_today"]["value_template"] == (
        '{{ value_json.minutes_today["\\u00dcber den Flu\\u00df"] }}'
    )
    assert json.loads(state_json(STANDING, labels))["minutes_today"] == dict.fromkeys(labels, 0.0)


STANDING = Standing("walking", 0.98765, 12.34, {"walking": 90.0}, None)


def test_the_state_has_what_the_templates_ask_for() -> None:
    minutes = dict.fromkeys(ACTIVITIES, 0.0) | {"walking": 1.5}
    assert json.loads(state_json(STANDING, ACTIVITIES)) == {
        "activity": "walking",
        "confidence": 0.9877,
        "seconds_in_activity": 12.3,
        "minutes_today": minutes,
        "moving": True,
        "rate_hz": None,
    }


@given(prefix=PREFIXES, device=DEVICES)
def test_names_are_lawful_stable_and_found_again(prefix: str, device: str) -> None:
    topic = config_topic("homeassistant", prefix, device)
    assert TOPIC.fullmatch(topic)
    assert device_of(topic, "homeassistant", prefix) == device
    payload = discovery(prefix, device, labels=ACTIVITIES, model="m")
    assert payload["device"]["identifiers"] == [object_id(prefix, device)]
    assert all(one["unique_id"].startswith(object_id(prefix, device)) for one in payload["components"].values())


@given(one=st.tuples(PREFIXES, DEVICES), other=st.tuples(PREFIXES, DEVICES))
def test_no_two_devices_have_one_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (object_id(*one) == object_id(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a_b", "c"), ("a", "b_c")),
        (("a/b", "c"), ("a-b", "c")),
        (("a/b", "c"), ("a_b", "c")),
        (("A", "c"), ("a", "c")),
    ],
)
def test_prefixes_that_look_alike_are_told_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert object_id(*one) != object_id(*other)


def test_a_prefix_cannot_pose_as_another_ones_digest() -> None:
    assert node(node("home/har")) != node("home/har")
    assert node("har") == "har"


@pytest.mark.parametrize(
    "topic",
    [
        "homeassistant/device/other_watch/config",
        "homeassistant/device/har_a b/config",
        "homeassistant/sensor/har_a/config",
    ],
)
def test_other_peoples_announcements_are_not_ours(topic: str) -> None:
    assert device_of(topic, "homeassistant", "har") is None
