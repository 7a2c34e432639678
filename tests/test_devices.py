"""Which device has which row: bounded, and the longest idle gives way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.devices import LAWFUL_ID, UNKNOWN_ROW, DeviceTable


def table(*devices: str, max_devices: int = 3) -> DeviceTable:
    """Devices added one a second from 0 s on."""
    made = DeviceTable(max_devices=max_devices, idle_s=10.0)
    for now_s, device in enumerate(devices):
        assert made.add(device, float(now_s)) is not None
    return made


@pytest.mark.parametrize("device", ["a", "exp01_user01", "A-b_9", "x" * 64])
def test_lawful_ids(device: str) -> None:
    assert LAWFUL_ID.fullmatch(device)


@pytest.mark.parametrize("device", ["", "x" * 65, "a b", "a/b", "a+", "#", "é", "a\n", "a.b", "\u0661"])
def test_unlawful_ids(device: str) -> None:
    assert not LAWFUL_ID.fullmatch(device)


def test_rows_are_given_from_0_and_stay_with_their_device() -> None:
    devices = table("a", "b")
    assert [devices.row(name, 5.0) for name in ("a", "b", "a")] == [0, 1, 0]
    assert devices.row("c", 5.0) is None
    assert (len(devices), sorted(devices.rows()), devices.name(1)) == (2, [0, 1], "b")


def test_no_more_devices_than_there_are_rows() -> None:
    devices = table("a", "b", "c")
    assert devices.add("d", 3.0) is None
    assert len(devices) == 3


@pytest.mark.parametrize(("now_s", "idlest"), [(9.9, None), (10.0, 0), (100.0, 0)])
def test_only_a_device_that_was_silent_long_enough_gives_way(now_s: float, idlest: int | None) -> None:
    assert table("a", "b").idlest(now_s) == idlest


def test_the_device_silent_for_longest_gives_way_first() -> None:
    devices = table("a", "b", "c")
    devices.row("a", 5.0)
    assert devices.idlest(20.0) == 1
    devices.remove(1)
    assert devices.idlest(20.0) == 2


def test_nobody_is_idle_where_nobody_is() -> None:
    assert table().idlest(1e9) is None


def test_a_row_given_back_goes_to_the_next_device() -> None:
    devices = table("a", "b", "c")
    devices.remove(1)
    assert devices.row("b", 3.0) is None
    assert devices.add("d", 3.0) == 1
    assert devices.name(1) == "d"


def test_who_is_looked_up_stays_as_idle_as_before() -> None:
    devices = table("a", "b")
    assert (devices.find("a"), devices.find("z")) == (0, None)
    assert devices.idlest(1e9) == 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20)), max_size=60))
def test_no_two_devices_ever_share_a_row(arrivals: list[tuple[str, int]]) -> None:
    devices, now_s, rows = DeviceTable(max_devices=3, idle_s=10.0), 0.0, dict[str, int]()
    for name, pause_s in arrivals:
        now_s += pause_s
        assert devices.row(name, now_s) == rows.get(name)
        if name not in rows:
            idlest = devices.idlest(now_s) if len(devices) == 3 else None
            if idlest is not None:
                del rows[devices.name(idlest)]
                devices.remove(idlest)
            row = devices.add(name, now_s)
            assert (row is None) == (len(rows) == 3)
            rows |= {} if row is None else {name: row}
        assert sorted(devices.rows()) == sorted(rows.values())
        assert len(set(rows.values())) == len(rows) == len(devices)


def test_many_devices_give_a_sign_of_life_at_once() -> None:
    known = table("a", "b")
    a, b = known.find("a"), known.find("b")
    assert a is not None
    assert known.rows_of(["b", "x", "a"], 5.0).tolist() == [b, UNKNOWN_ROW, a]
    assert known.seen_s(a) == 5.0
    assert known.silent(4.0) == []
    assert known.idlest(20.0) == b, "it came before the other"
    known.rows_of(["b"], 6.0)
    assert known.idlest(20.0) == a
