"""What several workers count adds up, exactly, also of those that died."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Books
from har_stream.device_books import DeviceReading
from har_stream.latency import Distribution
from har_stream.plausibility import Suspicion
from har_stream.presence import Present
from har_stream.vitals import ModelVitals, QueueVitals, Reading, RecordingVitals, SinkVitals, Vitals
from har_stream.workers.joined import DIED, joined, of_dead

counts = st.integers(0, 10**6)
by_reason = st.dictionaries(st.sampled_from(["gap", "late", DIED, "overload"]), counts)
distributions = st.builds(Distribution, st.just((0.1, 1.0)), st.tuples(counts, counts, counts), counts.map(float))


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    used, buffered, refused, dropped = draw(counts), draw(counts), draw(by_reason), draw(by_reason)
    books = Books(
        used + buffered + sum(refused.values()) + sum(dropped.values()), used, refused, dropped, bridged=draw(counts)
    )
    return Reading(
        books,
        buffered,
        draw(st.builds(Present, counts, counts, counts, counts)),
        {f"d{draw(counts)}": Suspicion(1)},
        draw(by_reason),
        draw(distributions),
        late=draw(st.booleans()),
    )


sinks = st.builds(
    SinkVitals,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["", "away"]),
    counts,
    counts,
    counts,
    counts,
    distributions,
)
whole = st.builds(
    Vitals,
    model=st.just(ModelVitals("m", "onnx", "0", ("walking",))),
    ending=st.booleans(),
    stream=readings(),
    max_devices=counts,
    source=st.sampled_from(["", "not reachable"]),
    reconnects=counts,
    queues=st.tuples(st.builds(QueueVitals, st.just("blocks"), counts, counts)),
    sinks=st.lists(sinks, max_size=2).map(tuple),
    recording=st.none() | st.builds(RecordingVitals, st.just(""), counts, counts, counts),
    state=st.just(""),
    elsewhere=counts,
)


def unbalanced(reading: Reading) -> int:
    books = reading.books
    return books.samples_in - (
        books.used + sum(books.refused.values()) + sum(books.dropped.values()) + reading.buffered
    )


@given(st.lists(whole, min_size=1, max_size=4), st.lists(whole, max_size=2))
def test_books_of_the_living_and_the_dead_add_up(living: list[Vitals], dead: list[Vitals]) -> None:
    told = joined([*living, *map(of_dead, dead)])
    every = living + dead
    books = told.stream.books
    assert unbalanced(told.stream) == 0
    assert books.samples_in == sum(one.stream.books.samples_in for one in every)
    assert books.used == sum(one.stream.books.used for one in every)
    assert books.dropped.get(DIED, 0) == sum(one.stream.books.dropped.get(DIED, 0) for one in every) + sum(
        one.stream.buffered for one in dead
    )
    assert told.stream.buffered == sum(one.stream.buffered for one in living)
    assert told.stream.present.devices == sum(one.stream.present.devices for one in living)
    assert sum(told.stream.labels.values()) == sum(sum(one.stream.labels.values()) for one in every)
    assert sum(told.stream.inference.counts) == sum(sum(one.stream.inference.counts) for one in every)
    assert told.elsewhere == sum(one.elsewhere or 0 for one in every)
    written = sum(sink.written + sink.dropped + sink.waiting for sink in told.sinks)
    assert written == sum(sink.written + sink.dropped + sink.waiting for one in every for sink in one.sinks)
    assert len({sink.name for sink in told.sinks}) == len(told.sinks)
    assert told.source == ("not reachable" if any(one.source for one in living) else "")


MODEL = ModelVitals("m", "onnx", "0", ("walking",))
WATCH, PHONE = DeviceReading("watch", 9, "walking", 1.0), DeviceReading("phone", 4, "walking", 2.0)


def vitals(scale: int, *, device: DeviceReading, sink: str = "a", late: bool = False, condition: str = "") -> Vitals:
    """Return vitals in which every number is another, all of them `scale` times what they are with 1."""
    took = Distribution((0.1, 1.0), (scale, 2 * scale, 3 * scale), 4.0 * scale)
    return Vitals(
        model=MODEL,
        ending=False,
        stream=Reading(
            Books(100 * scale, 60 * scale, {"late": 5 * scale}, {"gap": 6 * scale}, bridged=7 * scale),
            29 * scale,
            Present(8 * scale, 9 * scale, 10 * scale, 11 * scale),
            {device.device: Suspicion.RAW},
            {"walking": 12 * scale},
            took,
            (device,),
            late,
        ),
        max_devices=13 * scale,
        source=condition,
        reconnects=14 * scale,
        queues=(QueueVitals("blocks", 15 * scale, 16 * scale), QueueVitals("messages", 17 * scale, 18 * scale)),
        sinks=(SinkVitals(sink, condition, 19 * scale, 20 * scale, 21 * scale, 22 * scale, took),),
        recording=RecordingVitals(condition, 23 * scale, 24 * scale, 25 * scale),
        state=condition,
        elsewhere=26 * scale,
    )


def test_every_number_of_two_workers_is_the_sum_of_both() -> None:
    both = joined([vitals(1, device=WATCH), vitals(2, device=PHONE, late=True, condition="away")])
    wanted = vitals(3, device=WATCH, late=True, condition="away")
    stream = replace(
        wanted.stream, suspicions={"watch": Suspicion.RAW, "phone": Suspicion.RAW}, of_devices=(WATCH, PHONE)
    )
    assert both == replace(wanted, stream=stream)


def test_sinks_are_joined_by_their_names() -> None:
    one, other = vitals(1, device=WATCH), vitals(2, device=PHONE, sink="b")
    assert joined([one, other]).sinks == (*one.sinks, *other.sinks)


def test_what_a_dead_worker_had_waiting_is_lost_and_it_holds_nothing_any_more() -> None:
    dead = of_dead(vitals(1, device=WATCH, late=True, condition="away"))
    took = dead.stream.inference
    stream = Reading(
        Books(100, 60, {"late": 5}, {"gap": 6, DIED: 29}, bridged=7), 0, Present(), {}, {"walking": 12}, took
    )
    sinks = (SinkVitals("a", "", 19, 41, 0, 0, took),)
    recording = RecordingVitals("", 23, 24, 25)
    assert dead == Vitals(MODEL, False, stream, 0, "", 14, (), sinks, recording, "", 26)  # noqa: FBT003 - as it stands
