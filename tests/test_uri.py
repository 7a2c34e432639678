"""URIs of sources and sinks: taken apart, every option checked, every fault a ConfigError that names it."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.errors import ConfigError
from har_stream.uri import Uri, parse_speed, parse_subjects, parse_uri


class Options(msgspec.Struct, frozen=True):
    devices: int = 1
    script: str = "walking:30"
    gap_s: float = 0.0


@pytest.mark.parametrize(
    ("text", "scheme", "rest", "query"),
    [
        ("sim:", "sim", "", {}),
        ("sim:?", "sim", "", {}),
        ("replay:/a b/c.zip", "replay", "/a b/c.zip", {}),
        (
            "sim:?devices=3&script=walking:30,sitting:20",
            "sim",
            "",
            {"devices": "3", "script": "walking:30,sitting:20"},
        ),
        ("mqtt://user@host:1883/har/+/imu", "mqtt", "//user@host:1883/har/+/imu", {}),
        ("sim:?a=b=c", "sim", "", {"a": "b=c"}),
        ("sim:?a=", "sim", "", {"a": ""}),
        ("sim:?a=x%26y%3D", "sim", "", {"a": "x&y="}),
    ],
)
def test_a_uri_comes_apart(text: str, scheme: str, rest: str, query: dict[str, str]) -> None:
    assert parse_uri(text) == Uri(text, scheme, rest, query)


@pytest.mark.parametrize("text", ["", "sim", "recording.csv", ":rest"])
def test_what_has_no_scheme_is_no_uri(text: str) -> None:
    with pytest.raises(ConfigError, match="no URI: expected scheme"):
        parse_uri(text)


@pytest.mark.parametrize("text", ["sim:?devices", "sim:?&", "sim:?a=1&&b=2", "sim:?devices=1&speed"])
def test_options_that_are_not_key_and_value_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="options are key=value, joined by &"):
        parse_uri(text)


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="devices"):
        parse_uri("sim:?devices=1&devices=2")


def test_options_come_in_their_types_with_defaults() -> None:
    options = parse_uri("sim:?devices=3&gap_s=0.5").options(Options)
    assert options == Options(devices=3, script="walking:30", gap_s=0.5)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("device=3", r"unknown option 'device' \(did you mean 'devices'\?\)"),
        ("=3", "unknown option ''"),
        ("devices=three", "devices: Expected `int`"),
        ("devices=b=c", "devices: Expected `int`"),
        ("devices=", "devices: Expected `int`"),
        ("devices=%FF", "devices: Expected `int`"),
        ("devices=" + "9" * 5000, "devices: Integer value out of range"),
        ("gap_s=wide", "gap_s: Expected `float`"),
        ("devices=\udcff", "devices: "),
        ("gap_s=\udcff", "gap_s: "),
    ],
)
def test_a_faulty_option_is_named(query: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_uri(f"sim:?{query}").options(Options)


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_any_options_survive_encoding(query: dict[str, str]) -> None:
    assert parse_uri(f"sim:?{urlencode(query)}").query == query


@given(st.text())
def test_any_text_is_a_uri_or_a_config_error(text: str) -> None:
    faults = []
    for candidate in (text, f"sim:?{text}", f"sim:?devices={text}"):
        try:
            options = parse_uri(candidate).options(Options)
        except ConfigError as error:
            faults.append(str(error))
            continue
        assert isinstance(options.devices, int)
    assert all(fault and fault.isprintable() for fault in faults)


def test_a_password_is_never_shown_whatever_is_in_it() -> None:
    assert parse_uri("mqtt://user:se\ncret@host/har\x1b").text == r"mqtt://user:***@host/har\x1b"


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1", 1.0), ("0.5", 0.5), ("1e3", 1000.0)])
def test_a_speed_is_a_factor_or_as_fast_as_it_goes(text: str, speed: float | None) -> None:
    assert parse_speed(text, parse_uri("sim:")) == speed


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e400", "fast", "MAX", "\udcff"])
def test_another_speed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^sim:: speed is a number from 0.001 to 1e\+06, or max, not "):
        parse_speed(text, parse_uri("sim:"))


@pytest.mark.parametrize(("text", "subjects"), [("", set()), ("1", {1}), ("1,3", {1, 3}), ("3,1,3,", {1, 3})])
def test_subjects_are_a_list_of_numbers(text: str, subjects: set[int]) -> None:
    assert parse_subjects(text, "sim:") == subjects


@pytest.mark.parametrize("text", ["a", "1;3", "1.5", "1,x", "9" * 5000, "\udcff"])
def test_a_subject_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="subject is a list of numbers such as 1,3"):
        parse_subjects(text, "sim:")
