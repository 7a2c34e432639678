"""Messages of many devices at once: what each would give by itself, whatever stands among them."""

from __future__ import annotations

import struct
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream import fleet_translation, translation
from har_stream.fleet_translation import Message
from har_stream.formats import cbor_blocks, json_blocks
from har_stream.profiles import Profiles
from har_stream.samples import Block, FleetBlock, Refused, SampleBlock, TimedBlock, singly
from har_stream.translation import Translator
from tests.motion import RATE_HZ, motion

VALUES = motion(1, 4000)
KINDS = ("good", "good", "good", "good", "short", "units", "int16", "json", "untimed", "damaged", "garbage", "empty")
ORDERS = (1, 1, 1, 1, 0, 2, -1, 40)
"""How many blocks a message lies ahead of its device's last one."""


def translator(devices: int = 64) -> Translator:
    profiles = Profiles({"turned": {"axes": "-y,x,z", "acc_unit": "m/s2"}}, {"t*": "turned"})
    return Translator(profiles, model_rate_hz=RATE_HZ, stream=False, max_devices=devices)


def message(kind: str, at: int, damage: int = 0) -> bytes:
    """A message with the 20 samples from the at-th on, or what `kind` makes of it."""
    values = VALUES[at : at + (7 if kind == "short" else 20)]
    if kind == "json":
        return json_blocks.encode(values, rate_hz=RATE_HZ, start_s=at / RATE_HZ)
    unit = "m/s2" if kind == "units" else None
    scale = [1e-3] * 6 if kind == "int16" else None
    start_s = None if kind == "untimed" else at / RATE_HZ
    data = cbor_blocks.encode(values, rate_hz=RATE_HZ, start_s=start_s, sequence=300 + at, acc_unit=unit, scale=scale)
    if kind == "damaged":
        return data[: damage % len(data)] + bytes([damage % 256]) + data[damage % len(data) + 1 :]
    return {"garbage": b"\xa1" + bytes(len(data) - 1), "empty": b""}.get(kind, data)


def of_each(blocks: list[Block]) -> dict[str, list[object]]:
    """What came of each device, in a form that compares."""
    told: dict[str, list[object]] = {}
    for block in blocks:
        one: object = block
        if isinstance(block, SampleBlock):
            one = block.sequence, block.start_s, block.rate_hz, block.values.tobytes()
        elif isinstance(block, TimedBlock):
            one = block.times_s.tobytes(), block.rate_hz, block.values.tobytes()
        told.setdefault(block.device, []).append(one)
    return told


def schedule(steps: list[tuple[int, str, int, int]]) -> list[Message]:
    """Messages of devices with numbers; every fifth says nothing of who it is."""
    at: dict[int, int] = {}
    sent: list[Message] = []
    for number, kind, order, damage in steps:
        at[number] = max(0, min(at.get(number, 0) + 20 * order, 3900))
        name = None if number == 4 else f"t{number}" if number % 2 else f"d{number}"
        sent.append((message(kind, at[number], damage), 0.5 * len(sent), name, "someone"))
    return sent


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(KINDS), st.sampled_from(ORDERS), st.integers(0, 1000)),
        max_size=60,
    ),
    batch=st.integers(1, 30),
    group=st.integers(1, 8),
)
def test_together_they_give_what_each_gives_alone(
    steps: list[tuple[int, str, int, int]], batch: int, group: int
) -> None:
    sent = [*schedule([(number, "good", 1, 0) for number in range(7)] * 2), *schedule(steps)]
    one_by_one, together = translator(), translator()
    wanted = [
        block
        for data, arrival_s, device, otherwise in sent
        for block in one_by_one.push(data, arrival_s, device, otherwise=otherwise)
    ]
    told: list[Block] = []
    refused: list[tuple[int, Refused]] = []
    with (
        patch.object(translation, "WORTHWHILE", 1),
        patch.object(translation, "WORTHWHILE_AGAIN", 2),
        patch.object(fleet_translation, "GROUP", group),
    ):
        for at in range(0, len(sent), batch):
            of_batch: list[tuple[int, Refused]] = []
            told += singly(together.push_all(sent[at : at + batch], lambda *one: of_batch.append(one)))  # noqa: B023
            refused += [(at + nth, why) for nth, why in of_batch]
    assert of_each(told + together.flush()) == of_each(wanted + one_by_one.flush())
    assert all(sent[at][2] in (None, why.device) for at, why in refused)


def fleet_of(count: int) -> tuple[Translator, list[list[Message]]]:
    """A translator that knows the layouts of devices, and their rounds of messages from the second on."""
    rounds: list[list[Message]] = [
        [(message("good", at), 0.0, f"d{number}", "") for number in range(count)] for at in range(0, 100, 20)
    ]
    one = translator(count)
    one.push_all(rounds[0])
    return one, rounds[1:]


def test_what_follows_its_devices_last_message_goes_as_one_block() -> None:
    one, rounds = fleet_of(20)
    for number, messages in enumerate(rounds, 1):
        (block,) = one.push_all(messages)
        assert isinstance(block, FleetBlock)
        assert block.devices == [f"d{number}" for number in range(20)]
        assert block.start_s.tolist() == [20 * number / RATE_HZ] * 20
        assert block.sequence.tolist() == [20 * number] * 20
        assert block.values.tobytes() == VALUES[20 * number : 20 * number + 20].tobytes() * 20


@pytest.mark.parametrize("start_s", [np.nan, np.inf, -np.inf, 1e13, 1e300])
def test_a_time_that_is_none_stops_no_other_device(start_s: float) -> None:
    one, rounds = fleet_of(20)
    data = rounds[0][3][0]
    rounds[0][3] = (data.replace(struct.pack(">d", 0.4), struct.pack(">d", start_s)), 0.0, "d3", "")
    block, refused = one.push_all(rounds[0])
    assert isinstance(block, FleetBlock)
    assert len(block.devices) == 19
    assert refused == Refused("d3", "time")


def test_a_device_with_many_messages_has_them_in_order() -> None:
    one, rounds = fleet_of(3)
    blocks = [*singly(one.push_all([each for messages in rounds for each in messages]))]
    for number in range(3):
        starts = [block.start_s for block in blocks if isinstance(block, SampleBlock) and block.device == f"d{number}"]
        assert starts == [0.4, 0.8, 1.2, 1.6]


def test_devices_that_speak_are_not_the_ones_that_are_forgotten() -> None:
    one, rounds = fleet_of(20)
    one.push_all(rounds[0][:-1])  # the last one is silent
    one.push_all([(message("good", 0), 0.0, "new", "")])
    for part in (rounds[1][:10], rounds[1][10:19]):
        (block,) = one.push_all(part)
        assert isinstance(block, FleetBlock)
        assert block.devices == [device for _, _, device, _ in part]


def test_a_new_device_is_not_measured_by_the_one_that_was_forgotten_for_it() -> None:
    one = translator(devices=1)
    for device in ("oldest", "old"):
        one.push(message("good", 0), 0.0, device)
    (block,) = one.push(message("good", 40), 0.0, "new")  # of the others a block would be missing before it
    assert isinstance(block, SampleBlock)
    assert (block.device, block.start_s, block.sequence) == ("new", 0.8, 0)


def test_another_rate_in_the_same_place_is_not_taken_for_the_layouts() -> None:
    data = message("good", 20).replace(struct.pack(">d", RATE_HZ), struct.pack(">d", 51.0))
    one, rounds = fleet_of(20)
    rounds[0][3] = data, 0.0, "d3", ""
    together, block = one.push_all(rounds[0])
    assert isinstance(together, FleetBlock)
    assert together.devices == [f"d{number}" for number in range(20) if number != 3]
    assert isinstance(block, SampleBlock)
    assert block.rate_hz == 51.0


def test_a_time_beyond_the_latest_is_refused_even_where_it_follows() -> None:
    one = translator()
    for start_s in (1e12 - 0.4, 1e12):
        data = cbor_blocks.encode(VALUES[:20], rate_hz=RATE_HZ, start_s=start_s)
        blocks = one.push_all([(data, 0.0, f"d{number}", "") for number in range(10)])
    assert blocks == [Refused(f"d{number}", "time") for number in range(10)]


def test_what_a_missing_block_brings_goes_with_those_that_waited_for_it() -> None:
    one, rounds = fleet_of(20)
    assert one.push_all(rounds[1]) == []
    starts = [block.start_s for block in singly(one.push_all(rounds[0])) if isinstance(block, SampleBlock)]
    assert starts == [0.4, 0.8] * 20


def test_a_message_that_must_say_its_device_itself_overtakes_none_and_is_overtaken_by_none() -> None:
    names = ["a", "b", "a", None, "a", "b", None, None, "b"]
    laps = translation._laps([(b"", 0.0, name, "") for name in names])  # noqa: SLF001 - the order is all there is to see
    assert [list(lap) for lap in laps] == [[0, 1], [2], [3], [4, 5], [6], [7], [8]]
