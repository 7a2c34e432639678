"""Four times too much through the real inbox, in a time of its own: who is served has whole windows, and soon."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from har_stream.mqtt.connection import Received
from har_stream.progress import Done, Progress
from har_stream.shard import Rendezvous
from har_stream.sources.inbox import AT_ONCE, AT_ONCE_IN_NEED, OVERDUE_S, Inbox, Sent
from har_stream.sources.shedding import FORGOTTEN_S, HOLD_S, STEP_S, Shedding, place
from har_stream.sources.topics import Sender

PERIOD_S = 0.5
WINDOW = 6
"""Blocks in a row of which the last completes a window, as does each that follows."""
MOST = 10_000


class World:
    """Devices send a block each half second; whoever takes them needs 1 / capacity_hz for each that completes a window.

    Others cost `early` as much.
    """

    def __init__(self, capacity_hz: float, *, named: bool = True, early: float = 1.0) -> None:
        self.now_s = 1000.0
        self.capacity_hz, self._named, self._early = capacity_hz, named, early
        self._progress = Progress()
        self.inbox = Inbox(
            messages=MOST, message_bytes=2**30, payload_limit=10, progress=self._progress, now=lambda: self.now_s
        )
        self.offered = self.labels = self.most_waiting = 0
        self.refused: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.lateness_s: list[float] = []
        self._chain: dict[str, tuple[int, int]] = defaultdict(lambda: (-2, 0))
        self._free_s, self._in_hand, self._takes_s = self.now_s, 0, 0.0

    def run(self, devices: int, seconds: float) -> None:
        """Let so many devices send for so long."""
        first = round(self.now_s / PERIOD_S)
        for block in range(first, first + round(seconds / PERIOD_S)):
            for number in range(devices):
                self._until(block * PERIOD_S + number / devices * PERIOD_S)
                device = f"d{number}"
                sender = Sender(device, "") if self._named else Sender(None, "phones")
                self.inbox.put([Sent(Received(device, b"%d" % block, retained=False, arrival_s=self.now_s), sender)])
                self.offered += 1
                self.most_waiting = max(self.most_waiting, self.inbox.waiting)

    def _until(self, at_s: float) -> None:
        """Take what there is until a message comes."""
        while self.inbox.waiting and max(self.now_s, self._free_s) < at_s:
            self.now_s = max(self.now_s, self._free_s)
            self._progress.add(self._in_hand, busy_s=self._takes_s, ended_s=self.now_s)
            self._take()
        self.now_s = max(self.now_s, at_s)

    def _take(self) -> None:
        messages, refused = self.inbox.take(0.0)
        self.refused += refused
        cost = sum(self._whole(sent.message) or self._early for sent in messages)
        self._in_hand, self._takes_s = len(messages), cost / self.capacity_hz
        self._free_s = self.now_s + self._takes_s
        self.lateness_s += [self._free_s - sent.message.arrival_s for sent in messages]
        self.taken.update(sent.message.topic for sent in messages)

    def _whole(self, message: Received) -> bool:
        """Take a device's block; tells whether it completes a window."""
        block, (last, length) = int(message.payload), self._chain[message.topic]
        length = length + 1 if block == last + 1 else 1
        self._chain[message.topic] = block, length
        self.labels += length >= WINDOW
        return length >= WINDOW


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(times=st.floats(1.5, 8.0), capacity_hz=st.floats(250.0, 400.0))
def test_too_much_is_come_through_without_a_collapse(times: float, capacity_hz: float) -> None:
    world = World(capacity_hz)
    devices = round(times * capacity_hz * PERIOD_S)
    world.run(devices, 12)
    world.labels, world.lateness_s = 0, []
    world.run(devices, 10)
    assert world.labels > 0.7 * capacity_hz * 10, "who is served has whole windows"
    assert max(world.lateness_s) < OVERDUE_S + AT_ONCE / capacity_hz
    assert world.most_waiting <= MOST
    # A quarter of the load that there was, and less than can be served.
    world.run(round(devices / times / 2), 5)
    world.refused.clear()
    world.taken.clear()
    world.run(round(devices / times / 2), 2)
    assert not world.inbox.shedding.active
    assert not world.refused
    assert min(world.taken.values()) >= 3


@pytest.mark.parametrize("times", [0.3, 0.8])
def test_who_can_be_served_is(times: float) -> None:
    world = World(400.0)
    world.run(round(times * 400 * PERIOD_S), 10)
    assert not world.refused
    assert world.taken.total() + world.inbox.waiting == world.offered


def test_what_is_offered_is_taken_refused_or_waits() -> None:
    world = World(200.0)
    world.run(400, 8)
    messages, refused = world.inbox.take(0.0)
    known = world.taken.total() + len(messages) + (world.refused + refused).total()
    assert world.offered == known + world.inbox.waiting
    assert refused["overload"]


def test_what_waits_of_those_who_sit_out_goes_at_once() -> None:
    world = World(200.0)
    while not world.inbox.shedding.active:
        world.run(400, 0.5)
    inbox = world.inbox
    messages = [sent.message for _ in range(20) for sent in inbox.take(0.0)[0]]
    assert messages
    assert not [message for message in messages if inbox.shedding.sits_out(message.topic)]


def test_after_a_stall_all_are_soon_served_again() -> None:
    world = World(400.0)
    world.run(100, 5)
    world._free_s += 1.5  # noqa: SLF001 - a machine that stands still for a moment
    world.run(100, 10)
    world.refused.clear()
    world.run(100, 5)
    assert not world.refused
    assert not world.inbox.shedding.active


def test_devices_that_no_topic_names_do_not_sit_out_together() -> None:
    world = World(200.0, named=False)
    world.run(400, 10)
    assert not world.refused["overload"]
    assert world.taken.total() > 0.9 * 200 * 9


@pytest.mark.parametrize("early", [0.2, 1.0])
@pytest.mark.parametrize("times", [1.5, 4.0])
def test_for_as_long_as_too_much_comes_the_same_are_served_and_nothing_waits(times: float, early: float) -> None:
    world = World(400.0, early=early)
    devices = round(times * 400 * PERIOD_S)
    world.run(devices, 20)
    out = {name for name in map("d{}".format, range(devices)) if world.inbox.shedding.sits_out(name)}
    world.labels, world.lateness_s = 0, []
    world.taken.clear()
    world.run(devices, 40)
    assert len(out & world.taken.keys()) < 0.05 * devices, "who comes back costs little until its windows are whole"
    assert world.labels > 0.7 * 400 * 40
    assert max(world.lateness_s) < 2 * AT_ONCE / 400


def test_what_was_too_much_for_a_busy_machine_is_soon_served_again() -> None:
    world = World(400.0, early=0.2)
    world.run(160, 10)
    world.capacity_hz = 120.0
    world.run(160, 15)
    assert world.inbox.shedding.served < 0.5
    world.capacity_hz = 400.0
    world.run(160, 12)
    assert not world.inbox.shedding.active


def test_while_devices_sit_out_fewer_messages_are_handed_over_at_once() -> None:
    world = World(400.0)
    world.run(2000, 0.4)
    assert not world.inbox.shedding.active
    assert len(world.inbox.take(0.0)[0]) == AT_ONCE
    world.run(2000, 5)
    assert world.inbox.shedding.active
    assert world.inbox.waiting > AT_ONCE_IN_NEED
    assert len(world.inbox.take(0.0)[0]) == AT_ONCE_IN_NEED


def test_where_nobody_at_all_is_served_more_are_tried() -> None:
    shedding, few = Shedding(), ("d0", "d2")  # neither among the first third of all devices
    assert min(map(place, few)) > 0.3
    for waiting in (500, 500, 500, 500):
        shedding.step(STEP_S, offered=100, done=Done(20, 0.5, 0.5), waiting=waiting, behind=True, calm=False)
    assert all(map(shedding.sits_out, few))
    for _ in range(40):
        shedding.step(STEP_S, offered=100, done=Done(0, 0.0, 0.5), waiting=0, behind=False, calm=True)
    assert not all(map(shedding.sits_out, few))


def test_those_who_went_last_come_back_first_and_all_after_a_silence() -> None:
    shedding = Shedding()
    names = [f"d{number}" for number in range(1000)]

    def served(seconds: float = STEP_S, *, offered: int, busy_s: float = STEP_S, waiting: int = 0) -> set[str]:
        done, behind = Done(280, busy_s, STEP_S), waiting > 100
        shedding.step(seconds, offered=offered, done=done, waiting=waiting, behind=behind, calm=not waiting)
        return {name for name in names if not shedding.sits_out(name)}

    assert len(served(offered=1000, waiting=500)) == 1000, "it was not behind from the beginning of the step"
    few = served(offered=1000, waiting=500)
    assert 450 < len(few) < 550, "no more than half of them at once"
    few = [served(offered=1000, waiting=500) for _ in range(3)][-1]
    assert 0.65 * 280 < len(few) < 0.75 * 280
    assert served(offered=1000, waiting=1) == few, "something waits: it has to become less"
    calm = served(offered=1000)
    assert few < calm
    assert 0.75 * 280 < len(calm) < 0.85 * 280
    lazily = [served(offered=1000, busy_s=STEP_S / 2) for _ in range(round(HOLD_S / STEP_S))]
    assert calm == lazily[0] == lazily[-2] < lazily[-1], "who came back shows only then what it costs"
    assert 1.9 * len(calm) < len(lazily[-1]) < 2.1 * len(calm), "half of the time was left"
    assert [served(offered=1000) for _ in range(30)][-1] == lazily[-1], "no time was left"
    most = served(offered=500)
    assert lazily[-1] < most
    assert len(most) < 700
    assert len(served(FORGOTTEN_S, offered=1)) == 1000


def test_while_what_waits_goes_down_nobody_else_has_to_go() -> None:
    shedding, served = Shedding(), []
    for waiting in (1000, 1000, 900, 800, 700, 700, 700):
        done = Done(30, STEP_S, STEP_S)
        shedding.step(STEP_S, offered=100, done=done, waiting=waiting, behind=True, calm=False)
        served.append(shedding.served)
    # Compared with what waited two steps before: devices may send in time with each other.
    assert served[1] == served[2] == served[3] == served[4] == served[5] < 1.0
    assert served[6] < served[5]


def test_what_took_no_time_that_a_clock_shows_tells_nothing() -> None:
    shedding = Shedding()
    for done in (Done(5, 0.0, 0.0), Done(5, 0.0, 0.0), Done(5, 0.5, 0.5)):
        assert not shedding.active
        shedding.step(STEP_S, offered=100, done=done, waiting=500, behind=True, calm=False)
    assert shedding.active


def test_places_are_even_and_not_those_of_shards() -> None:
    of_shard = [place(name) for name in (f"d{number}" for number in range(4000)) if Rendezvous(4).part_of(name) == 2]
    assert abs(sum(one < 0.25 for one in of_shard) / len(of_shard) - 0.25) < 0.05
