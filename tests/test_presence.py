"""Devices by state, as a pipeline comes to have them."""

from __future__ import annotations

import tracemalloc

from har_stream.accounting import Accounting
from har_stream.pipeline import Pipeline
from har_stream.plausibility import Suspicion
from har_stream.presence import MOST_REFUSED, Present
from har_stream.samples import SampleBlock
from tests.motion import motion, pipeline

MS2_OF_G = 9.81
LARGEST_GROWTH_KIB = 512


def block(device: str, samples: int = 50, *, factor: float = 1.0, at: int = 0) -> SampleBlock:
    return SampleBlock(device, at, at / 50, 50.0, motion(1, samples) * factor)


def pushed(stream: Pipeline, now_s: float, *devices: str) -> None:
    stream.push([block(device) for device in devices], now_s)


def test_nobody_is_in_no_state() -> None:
    assert pipeline().presence.count(0.0) == Present()


def test_who_is_silent_is_stale_until_it_streams_again() -> None:
    stream = pipeline()
    pushed(stream, 10.0, "watch", "belt")
    pushed(stream, 20.0, "belt")
    assert stream.presence.count(15.0) == Present(streaming=1, stale=1)
    assert stream.presence.count(10.0) == Present(streaming=2), "not before its time is over"
    pushed(stream, 21.0, "watch")
    assert stream.presence.count(15.0) == Present(streaming=2)
    assert stream.presence.count(30.0) == Present(stale=2)
    assert (stream.presence.seen_s("watch"), stream.presence.seen_s("nobody")) == (21.0, None)


def test_a_device_whose_samples_look_wrong_is_suspicious_and_stale_once_it_is_silent() -> None:
    stream = pipeline()
    stream.push([block("belt", 64 * 8, factor=MS2_OF_G), block("watch", 64 * 8)], 10.0)
    stream.news()
    assert stream.presence.count(5.0) == Present(streaming=1, suspicious=1)
    assert stream.presence.suspicions() == {"belt": Suspicion.ACC_MS2}
    assert stream.presence.count(11.0) == Present(stale=2)
    assert stream.presence.count(11.0).devices == 2


def test_who_finds_no_place_is_refused_until_it_gets_one_or_falls_silent() -> None:
    stream = pipeline(max_devices=1, idle_s=5.0)
    pushed(stream, 1.0, "first")
    for now_s in (2.0, 3.0):
        pushed(stream, now_s, "first", "second", "third", "not lawful")
    assert stream.presence.count(0.0) == Present(streaming=1, refused=2)
    pushed(stream, 9.0, "second")
    assert stream.presence.count(0.0) == Present(streaming=1, refused=1)
    assert stream.presence.count(4.0) == Present(streaming=1)


def test_of_many_made_up_ids_so_many_are_told_apart_and_each_sample_is_counted() -> None:
    books = Accounting()
    stream = pipeline(books, max_devices=1)
    pushed(stream, 1.0, "first", *(f"x{number}" for number in range(3 * MOST_REFUSED)))
    assert stream.presence.count(0.0) == Present(streaming=1, refused=MOST_REFUSED)
    assert books.refused["max_devices"] == 50 * 3 * MOST_REFUSED


def test_made_up_ids_take_no_more_memory_than_a_few_and_the_newest_are_known() -> None:
    presence = pipeline(max_devices=1).presence
    ids = 20_000
    tracemalloc.start()
    for number in range(ids):
        presence.refuse(f"{number:064d}", float(number))
    grown_kib = tracemalloc.get_traced_memory()[0] / 1024
    tracemalloc.stop()
    assert grown_kib < LARGEST_GROWTH_KIB
    assert presence.count(ids - 500.0).refused == 500
    assert presence.count(0.0).refused == MOST_REFUSED
