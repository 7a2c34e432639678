"""Which process a device belongs to: all agree, the parts are even, and few devices move."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.errors import ConfigError
from har_stream.samples import Block, FleetBlock, Refused, SampleBlock
from har_stream.shard import ALL, MOST_PARTS, WHOLE, Part, Rendezvous, Share, Whose, hashed, mixed, parse_part

DEVICES = [f"watch-{number}" for number in range(2000)]


def block(device: str) -> SampleBlock:
    return SampleBlock(device, 0, 0.0, 50.0, np.zeros((3, 6), np.float32))


@given(st.integers(1, 40))
def test_one_part_more_takes_its_share_and_moves_nobody_else(count: int) -> None:
    before, after = Rendezvous(count), Rendezvous(count + 1)
    moved = [device for device in DEVICES if before.part_of(device) != after.part_of(device)]
    assert all(after.part_of(device) == count + 1 for device in moved)
    expected = len(DEVICES) / (count + 1)
    assert abs(len(moved) - expected) < 5 * np.sqrt(expected)


@given(st.integers(1, 16), st.integers(1, 16))
def test_every_device_is_one_shards_and_one_workers_and_is_counted_once_elsewhere(shards: int, workers: int) -> None:
    shares = [[Share(Part(s, shards), Part(w, workers)) for w in range(1, workers + 1)] for s in range(1, shards + 1)]
    for device in DEVICES[:20]:
        found = [[share.whose(device) for share in of_shard] for of_shard in shares]
        assert sum(whose == Whose.OURS for of_shard in found for whose in of_shard) == 1
        for of_shard in found:
            assert sum(whose != Whose.SIBLING for whose in of_shard) == 1
    assert sum(share.takes(DEVICES[0]) for of_shard in shares for share in of_shard) == 1
    assert sum(share.elsewhere for of_shard in shares for share in of_shard) == shards - 1


def test_workers_share_the_devices_of_a_shard_evenly() -> None:
    ours = [device for device in DEVICES if Rendezvous(4).part_of(device) == 3]
    shares = [Share(Part(3, 4), Part(worker, 4)) for worker in range(1, 5)]
    held = Counter(worker for worker, share in enumerate(shares) for device in ours if share.takes(device))
    assert held.total() == len(ours)
    assert len(held) == 4
    assert min(held.values()) > len(ours) / 4 - 5 * np.sqrt(len(ours) / 4)


def test_where_devices_belong_stays_as_it_is_from_version_to_version() -> None:
    # What has been agreed on by daemons that run already: other numbers would tear devices apart in an update.
    assert hashed("watch-1") == 0x841AD660B0576F71
    assert mixed(np.array([1, 2**63], np.uint64)).tolist() == [0x5692161D100B05E5, 0x25C26EA579CEA98A]
    assert [Rendezvous(4).part_of(device) for device in DEVICES[:8]] == [1, 2, 1, 2, 2, 4, 2, 4]


def test_what_is_worn_at_the_wrist_belongs_where_its_phone_does() -> None:
    assert all(Rendezvous(16).part_of(f"{device}-wrist") == Rendezvous(16).part_of(device) for device in DEVICES[:50])


def test_an_id_that_is_no_utf8_belongs_somewhere_too() -> None:
    assert 1 <= Rendezvous(3).part_of("\udcff") <= 3


def test_of_a_tick_only_our_devices_and_what_is_of_no_device_go_on() -> None:
    ours = next(device for device in DEVICES if Rendezvous(2).part_of(device) == 1)
    other = next(device for device in DEVICES if Rendezvous(2).part_of(device) == 2)
    tick: list[Block] = [block(ours), block(other), Refused("", "source_full", 7), Refused(other, "garbled", 1)]
    share = Share(Part(1, 2))
    assert share.of(tick) == [tick[0], tick[2]]
    assert share.elsewhere == 2
    assert Share(Part(2, 2)).of(tick) == [tick[1], tick[2], tick[3]]
    assert ALL.of(tick) is tick
    assert ALL.elsewhere == 0


def test_of_a_fleet_a_share_takes_its_own_devices_and_counts_the_others() -> None:
    values = np.arange(len(DEVICES), dtype=np.float32)[:, np.newaxis, np.newaxis] * np.ones((1, 4, 6), np.float32)
    numbers = np.arange(len(DEVICES))
    fleet = FleetBlock(list(DEVICES), numbers, numbers.astype(np.float64), 50.0, values)
    shares = [Share(Part(number, 3)) for number in (1, 2, 3)]
    parts = [part for share in shares for part in share.of([fleet]) if isinstance(part, FleetBlock)]
    assert sum(part.samples for part in parts) == fleet.samples
    assert sum(share.elsewhere for share in shares) == 2 * len(DEVICES)
    for part, share in zip(parts, shares, strict=True):
        assert share.of([part]) == [part]
        assert part.devices == [DEVICES[at] for at in part.sequence]
        assert (part.values[:, 0, 0] == part.sequence).all()
    others = Share(Part(1, 3)).of([parts[1]])
    assert not others


@pytest.mark.parametrize(
    "text",
    ["0/4", "5/4", "1/0", "1", "1/", "/4", "a/b", "-1/4", "1/4 ", "1/4/2", "\u0661/\u0664", f"1/{MOST_PARTS + 1}"],
)
def test_what_is_no_part_is_told_by_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r"shard: .*expected I/N, such as 1/4"):
        parse_part(text)


def test_parts_are_read() -> None:
    assert parse_part("") == WHOLE
    assert parse_part("2/4") == Part(2, 4)
    assert parse_part(f"{MOST_PARTS}/{MOST_PARTS}") == Part(MOST_PARTS, MOST_PARTS)
