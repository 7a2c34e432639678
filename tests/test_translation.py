"""Bytes, arrival and device to blocks: the whole way, for every format."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream import device_translation
from har_stream.errors import ConfigError
from har_stream.formats import cbor_blocks, frames, json_blocks, lines, phyphox, sensor_logger, sensor_server, witmotion
from har_stream.profiles import Profile, Profiles
from har_stream.samples import Block, Refused, SampleBlock, Samples, TimedBlock
from har_stream.translation import Translator
from tests.decoding import GARBAGE
from tests.motion import motion

RATE_HZ = 50.0
G = 9.80665
VALUES = motion(1, 300)
TIMES_S = 1000 + np.arange(len(VALUES)) / RATE_HZ
SI = VALUES * np.repeat([G, 1.0], 3)
REASONS = {"channels", "checksum", "device_error", "format", "frame", "line", "message", "rate", "sensor", "shape"} | {
    *("time", "unit", "no_rate", "unnamed", "late", "repeated", "unaligned", "no_gyro")
}
DEGREES = np.repeat([1.0, 180 / np.pi], 3)


def translator(*, stream: bool = False, profiles: Profiles | None = None, **options: int | str) -> Translator:
    return Translator(profiles or Profiles(), model_rate_hz=RATE_HZ, stream=stream, **options)  # type: ignore[arg-type]


def values_of(blocks: list[Block]) -> Samples:
    held = [block.values for block in blocks if isinstance(block, SampleBlock | TimedBlock)]
    return np.concatenate(held) if held else np.empty((0, 6), np.float32)


def times_of(blocks: list[Block]) -> list[float]:
    times_s: list[float] = []
    for block in blocks:
        if isinstance(block, SampleBlock):
            times_s += [block.start_s + at / block.rate_hz for at in range(block.samples)]
        if isinstance(block, TimedBlock):
            times_s += block.times_s.tolist()
    return times_s


def refused(blocks: list[Block]) -> list[tuple[str, str]]:
    return [(block.device, block.reason) for block in blocks if isinstance(block, Refused)]


def of_phone(name: str) -> Iterator[bytes]:
    for at in range(0, len(VALUES), 20):
        part, times_s = SI[at : at + 20], TIMES_S[at : at + 20]
        if name == "sensor-logger":
            yield sensor_logger.encode(times_s, part, device="phone")
        elif name == "phyphox":
            yield phyphox.encode(times_s, part)
        else:
            yield from sensor_server.encode(times_s, part)


@pytest.mark.parametrize("name", ["sensor-logger", "phyphox", "sensor-server"])
def test_phones_come_out_in_g_and_rads_at_their_own_times(name: str) -> None:
    one = translator()
    blocks = [block for message in of_phone(name) for block in one.push(message, 0.0, "phone")] + one.flush()
    assert not refused(blocks)
    assert np.allclose(values_of(blocks), VALUES, atol=1e-5)
    assert np.allclose(times_of(blocks), TIMES_S, atol=1e-6, rtol=0)
    assert {block.device for block in blocks} == {"phone"}


@pytest.mark.parametrize("encode", [cbor_blocks.encode, json_blocks.encode])
def test_our_own_blocks_pass_bit_for_bit(encode: object) -> None:
    blocks = translator().push(encode(VALUES, rate_hz=50.0, start_s=5.0), 0.0, "a")  # type: ignore[operator]
    (block,) = blocks
    assert isinstance(block, SampleBlock)
    assert (block.device, block.start_s, block.rate_hz) == ("a", 5.0, 50.0)
    assert block.values.tobytes() == VALUES.tobytes()


def test_frames_over_a_line_have_their_own_times() -> None:
    one = translator(stream=True)
    data = frames.encode_session(session_id=1, rate_hz=50) + frames.encode_samples(
        SI, sequence=0, start_ms=0, rate_hz=50.0
    )
    blocks = [block for at in range(0, len(data), 100) for block in one.push(data[at : at + 100], 0.0, "node")]
    assert np.allclose(values_of(blocks), VALUES, atol=1e-5)
    assert np.allclose(times_of(blocks), TIMES_S - 1000)
    assert one.found("node") == "binary frames, 6 channels at 50 Hz"


@pytest.mark.parametrize("name", ["lines", "witmotion"])
@pytest.mark.parametrize(
    ("rate_hz", "kind"), [(50.0, SampleBlock), (50.3, SampleBlock), (52.0, TimedBlock), (104.0, TimedBlock)]
)
def test_samples_without_times_get_those_of_their_arrival(name: str, rate_hz: float, kind: type) -> None:
    one = translator(stream=True)
    blocks: list[Block] = []
    for at in range(0, 300, 2):
        part = VALUES[at : at + 2] * DEGREES
        data = lines.encode(part * np.repeat([G, 1.0], 3)) if name == "lines" else witmotion.encode(part)
        blocks += one.push(data, 100 + (at + 1) / rate_hz, "node")
    assert not refused(blocks)
    assert {type(block) for block in blocks} == {kind}
    assert np.allclose(values_of(blocks), VALUES, atol=2e-3)
    assert np.allclose(times_of(blocks), 100 + np.arange(300) / rate_hz, atol=0.004, rtol=0)
    if kind is SampleBlock:
        assert {block.rate_hz for block in blocks if isinstance(block, SampleBlock)} == {50.0}


def test_blocks_at_the_models_rate_follow_one_another_within_half_a_sample() -> None:
    one = translator(stream=True)
    blocks = [
        b for at in range(0, 300, 100) for b in one.push(lines.encode(VALUES[at : at + 100]), 100 + at / 49.6, "n")
    ]
    starts = [(block.start_s, block.samples) for block in blocks if isinstance(block, SampleBlock)]
    for (start_s, count), (following_s, _) in pairwise(starts):
        assert abs(following_s - start_s - count / RATE_HZ) < 0.5 / RATE_HZ


def test_a_payload_names_its_device_where_the_source_does_not() -> None:
    message = next(of_phone("sensor-logger"))
    one = translator()
    assert {block.device for block in one.push(message, 0.0) + one.flush()} == {"phone"}
    assert translator().push(b"hello", 0.0) == [Refused("unnamed", "format")]


def test_an_unlawful_name_goes_on_but_not_at_any_length() -> None:
    (block,) = translator().push(b"hello", 0.0, "x" * 10_000)
    assert block == Refused("x" * 65, "format")


def test_a_watch_is_a_device_of_its_own() -> None:
    axes = {f"{name}{axis}": 0.0 for name in ("acceleration", "gravity", "rotationRate") for axis in "XYZ"}
    entries = [{"name": "wrist motion", "time": at * 20_000_000, "values": axes} for at in range(50)]
    message = msgspec.json.encode({"deviceId": "phone", "payload": entries})
    one = translator()
    assert {block.device for block in one.push(message, 0.0) + one.flush()} == {"phone-wrist"}


def test_the_profile_of_a_device_goes_before_that_of_its_format() -> None:
    profiles = Profiles({"belt": {"base": "sensor-logger-ios", "axes": "-y,x,z"}}, {"belt-*": "belt"})
    one = translator(profiles=profiles)
    blocks = [
        block for message in of_phone("sensor-logger") for block in one.push(message, 0.0, "belt-1")
    ] + one.flush()
    turned = VALUES[:, [1, 0, 2, 4, 3, 5]] * [1, -1, -1, -1, 1, 1]
    assert np.allclose(values_of(blocks), turned, atol=1e-5)


def test_a_profile_may_say_the_format() -> None:
    profiles = Profiles({"mine": {"format": "witmotion"}}, {"*": "mine"})
    one = translator(profiles=profiles, stream=True)
    one.push(lines.encode(VALUES), 0.0, "a")
    assert one.found("a") == ""
    assert not values_of(one.push(lines.encode(VALUES), 0.0, "a")).size


def test_a_device_that_changes_its_format_changes_its_units() -> None:
    one = translator()
    one.push(cbor_blocks.encode(VALUES, rate_hz=50.0, start_s=1.0), 0.0, "a")
    session = frames.encode_samples(SI, sequence=0, start_ms=0, rate_hz=50.0)
    assert np.allclose(values_of(one.push(session, 0.0, "a")), VALUES, atol=1e-5)


def test_the_state_of_the_longest_idle_goes_and_what_waited_is_counted() -> None:
    one = translator(max_devices=2)
    message = next(of_phone("phyphox"))
    blocks = [block for name in "abc" for block in one.push(message, 0.0, name)]
    blocks += one.flush()
    assert sum(block.samples for block in blocks) == 3 * 20
    assert len(one._devices) == len(one._readers) == 2  # noqa: SLF001 - memory is part of the contract


@pytest.mark.parametrize(("stream", "name"), [(True, "phyphox"), (False, "phypox")])
def test_a_format_that_cannot_be_is_a_config_error(stream: bool, name: str) -> None:  # noqa: FBT001
    with pytest.raises(ConfigError, match=name):
        Translator(Profiles(), model_rate_hz=50.0, stream=stream, format_name=name)


def test_one_profile_may_be_given_for_all() -> None:
    one = Translator(Profiles(), model_rate_hz=50.0, stream=True, format_name="lines", profile=Profile(rate_hz=50.0))
    assert np.allclose(values_of(one.push(lines.encode(VALUES), 6.0, "a")), VALUES)


CHUNKS = st.lists(
    st.tuples(
        GARBAGE
        | st.sampled_from([*of_phone("phyphox"), *of_phone("sensor-logger"), lines.encode(SI), witmotion.encode(SI)]),
        st.floats(-10, 10),
        st.none() | st.text(max_size=3),
    ),
    max_size=6,
)


@pytest.mark.parametrize("stream", [False, True])
@given(chunks=CHUNKS)
def test_no_bytes_raise_or_get_into_a_reason(
    stream: bool,  # noqa: FBT001
    chunks: list[tuple[bytes, float, str | None]],
) -> None:
    one = translator(stream=stream, max_devices=2)
    blocks = [block for data, arrival_s, device in chunks for block in one.push(data, arrival_s, device)]
    reasons = {reason for _, reason in refused(blocks + one.flush())}
    assert reasons <= REASONS, "a reason is a label of a metric"


@pytest.mark.parametrize(("devices", "most"), [(1, 300), (500, 1000)])
def test_what_waits_for_a_rate_is_bounded_for_one_device_and_for_all_together(
    monkeypatch: pytest.MonkeyPatch, devices: int, most: int
) -> None:
    monkeypatch.setattr(device_translation, "MOST_WAITING", 300)
    monkeypatch.setattr(device_translation, "MOST_WAITING_IN_ALL", 1000)
    one, given, lost = translator(format_name="lines", max_devices=1000), 0, 0
    for at in range(500):
        given += 20
        blocks = one.push(b"0,0,0,0,0,1\n" * 20, 0.0, f"d{at % devices}")
        assert {block.reason for block in blocks if isinstance(block, Refused)} <= {"no_rate"}
        lost += sum(block.samples for block in blocks)
        assert given - lost <= most
    assert 0 < lost < given
    assert lost + sum(block.samples for block in one.flush()) == given
