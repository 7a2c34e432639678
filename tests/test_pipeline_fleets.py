"""Many devices' samples in one block: the windows, labels and books that each device's own blocks lead to."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from har_stream import batch
from har_stream.accounting import Accounting
from har_stream.bridging import UniformBatch
from har_stream.framed import FramedWindows, concatenate
from har_stream.pipeline import Pipeline
from har_stream.samples import Block, FleetBlock, Refused, SampleBlock, Tick, WindowBlock, singly, with_times
from tests.motion import RATE_HZ, motion, pipeline

VALUES = motion(1, 3000)
LENGTH = 45


def fleet(devices: dict[str, int], rate_hz: float = RATE_HZ) -> FleetBlock:
    """A block of LENGTH samples of each device, from the given one on."""
    firsts = np.array([*devices.values()], np.int64)
    values = np.stack([VALUES[first : first + LENGTH] for first in firsts.tolist()])
    return FleetBlock([*devices], firsts, firsts / rate_hz, rate_hz, values)


def of_each(stream: Pipeline, parts: list[FramedWindows]) -> dict[str, list[tuple[float, bytes, bool]]]:
    """The windows of each device that is there."""
    told: dict[str, list[tuple[float, bytes, bool]]] = {}
    windows = concatenate(parts) if parts else None
    for at in range(len(windows.rows)) if windows is not None else ():
        assert windows is not None
        name = stream._devices.name(int(windows.rows[at]))  # noqa: SLF001 - rows are the pipeline's own
        one = round(float(windows.start_s[at]), 6), windows.values[at].tobytes(), bool(windows.begins[at])
        told.setdefault(name, []).append(one)
    return told


def spoilt(block: FleetBlock, how: str) -> Tick:
    """What may come instead of a good block, or beside it."""
    first = block.devices[0]
    if how == "beyond":
        block.values[0, 3, 1] = 1e6
    if how == "nan":
        block.values[-1, :, 4] = np.nan
    if how == "no time":
        block.start_s[0] = np.inf
    if how == "other rate":
        block.rate_hz = 60.0
    if how == "near rate":
        block.rate_hz = 50.01
    if how == "timed":
        return [with_times(one) for one in block.singles()]
    extra: dict[str, list[Block]] = {
        "refused": [Refused(first, "frame", 2)],
        "again": [SampleBlock(first, 0, float(block.start_s[0]) + LENGTH / RATE_HZ, RATE_HZ, VALUES[:LENGTH])],
        "single": [SampleBlock("x", 0, float(block.start_s[0]), RATE_HZ, VALUES[:LENGTH])],
        "unlawful": [SampleBlock("no/id", 0, 0.0, RATE_HZ, VALUES[:LENGTH])],
        "ready": [WindowBlock("w", np.zeros(1), np.zeros(1, np.bool_), np.ones((1, 128, 9), np.float32), 64)],
    }
    return [block, *extra.get(how, [])]


HOW = st.sampled_from(
    ["good"] * 9
    + ["beyond", "nan", "no time", "other rate", "near rate", "timed", "refused", "again", "single", "unlawful"]
    + ["ready", "gap", "late", "twice", "parts", "newcomer"]
)


def ticks_of(steps: list[tuple[str, int]]) -> list[Tick]:
    ticks: list[Tick] = []
    at = dict.fromkeys("abcde", 0)
    for how, number in steps:
        if how in ("gap", "late"):
            at["abcde"[number]] += 500 if how == "gap" else -10
        names = [*at, f"new{number}"] if how == "newcomer" else [*at]
        block = fleet({name: max(0, at.get(name, 0)) for name in names})
        if how == "parts":
            mask = np.arange(len(names)) <= number
            ticks.append([block.only(mask), block.only(~mask)] if not mask.all() else [block])
        else:
            ticks.append([*spoilt(block, how), *([fleet(at)] if how == "twice" else [])])
        at = {name: first + LENGTH for name, first in at.items()}
    return ticks


@given(steps=st.lists(st.tuples(HOW, st.integers(0, 4)), min_size=3, max_size=10), group=st.integers(2, 6))
@hypothesis_settings(max_examples=40)
def test_fleets_lead_to_what_their_devices_blocks_lead_to(steps: list[tuple[str, int]], group: int) -> None:
    books, wanted_books = Accounting(), Accounting()
    stream, wanted = pipeline(books, max_devices=8), pipeline(wanted_books, max_devices=8)
    told, same = [], []
    with patch.object(batch, "GROUP", group):
        for now_s, tick in enumerate(ticks_of(steps)):
            samples = sum(block.samples for block in tick)
            for one in (books, wanted_books):
                one.enter(samples)
            told += [part for part in [stream.frame(tick, now_s)] if part is not None]
            same += [part for part in [wanted.frame(list(singly(tick)), now_s)] if part is not None]
            assert books.balance(stream.buffered) == 0
    assert of_each(stream, told) == of_each(wanted, same)
    assert books.snapshot() == wanted_books.snapshot()


def test_a_fleet_goes_through_the_stages_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = pipeline()
    pushes: list[UniformBatch] = []
    names = [f"d{number}" for number in range(10)]
    stream.push([fleet(dict.fromkeys(names, 0))], 0.0)
    framed = stream._framer.push  # noqa: SLF001 - how often it is called is the point

    def counted(uniform: UniformBatch) -> FramedWindows:
        pushes.append(uniform)
        return framed(uniform)

    monkeypatch.setattr(stream._framer, "push", counted)  # noqa: SLF001
    stream.push([fleet(dict.fromkeys(names[:4], LENGTH)), fleet(dict.fromkeys(names[4:], LENGTH))], 0.0)
    (uniform,) = pushes
    assert len(uniform.batch.rows) == 10


def test_a_device_without_a_place_finds_one_or_is_refused() -> None:
    accounting = Accounting()
    stream = pipeline(accounting, max_devices=3)
    stream.push([fleet({"a": 0, "b": 0})], 0.0)
    stream.push([fleet({"a": LENGTH, "b": LENGTH, "c": 0, "d": 0})], 1.0)
    assert [name for name in "abcd" if stream.knows(name)] == ["a", "b", "c"]
    assert accounting.refused == {"max_devices": LENGTH}
    assert stream.buffered == 5 * LENGTH


def test_a_device_whose_samples_carried_labels_carries_none_in_a_fleet() -> None:
    stream = pipeline()
    labelled = SampleBlock("a", 0, 0.0, RATE_HZ, VALUES[:140], np.ones(140, np.uint8))
    assert [one.has_truth for one in stream.push([labelled], 0.0)] == [True]
    told = [one for first in (140, 185) for one in stream.push([fleet({"a": first})], 0.0)]
    assert [one.has_truth for one in told] == [False]
