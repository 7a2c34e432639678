"""Topics: what may be subscribed to, and whom a topic names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.errors import ConfigError
from har_stream.sources.topics import Sender, parse_topics, sender_of


def sender(topic: str, path: str = "") -> Sender:
    return sender_of(topic, parse_topics(path, "mqtt:"))


def test_without_a_path_it_is_our_own_topic_and_that_of_sensor_logger() -> None:
    assert [one.text for one in parse_topics("", "mqtt:")] == ["har/+/imu", "sensor-logger"]


def test_commas_join_topics_and_escapes_are_taken_off() -> None:
    path = "har/+/imu,a%2Cb/%3F,har/+/imu,home/%23"
    assert [one.text for one in parse_topics(path, "mqtt:")] == ["har/+/imu", "a,b/?", "home/#"]


@pytest.mark.parametrize(
    ("path", "topic", "device"),
    [
        ("", "har/watch/imu", "watch"),
        ("+/imu", "watch/imu", "watch"),
        ("home/+/+/imu", "home/anna/left/imu", "anna"),
        ("home/+/#", "home/anna/left/imu", "anna"),
        ("home/+/#", "home/anna", "anna"),
        ("a/b,+/b", "a/b", "a"),
        ("", "har//imu", ""),
        ("", "har/a b/imu", "a b"),
        ("", "har/\ufffd/imu", "\ufffd"),
    ],
)
def test_the_first_plus_stands_for_the_device_as_it_is(path: str, topic: str, device: str) -> None:
    assert sender(topic, path) == Sender(device, "")


@pytest.mark.parametrize(
    ("path", "topic", "otherwise"),
    [
        ("", "sensor-logger", "sensor-logger"),
        ("lab/belt 3", "lab/belt 3", "belt_3"),
        ("lab/#", "lab/a/b/gürtel", "g_rtel"),
        ("lab/#", "lab/", ""),
    ],
)
def test_without_a_plus_the_last_level_is_the_device_that_the_payload_does_not_name(
    path: str, topic: str, otherwise: str
) -> None:
    assert sender(topic, path) == Sender(None, otherwise)


@pytest.mark.parametrize("path", ["a+/b", "a/#/b", "#a", "a,,b", "$SYS/x", "$share/a/har/+/imu", "a%00", "%FF"])
def test_what_is_no_topic_is_a_configuration_error(path: str) -> None:
    with pytest.raises(ConfigError, match=r"mqtt:.*topic"):
        parse_topics(path, "mqtt:")


def test_a_topic_longer_than_any_may_be_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="65535 bytes at most"):
        parse_topics("a" * 65536, "mqtt:")


@given(st.text())
def test_every_topic_has_a_sender(topic: str) -> None:
    for path in ("", "+/#", "#"):
        sender(topic, path)
