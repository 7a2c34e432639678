"""The pipeline: times, truth, gaps, isolation, and the books at every moment."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting
from har_stream.activities import ACTIVITIES, CODE_BY_NAME
from har_stream.bridging import UniformBatch
from har_stream.framed import FramedWindows
from har_stream.samples import Prediction, SampleBlock, TimedBlock, WindowBlock
from tests.motion import block, model, motion, pipeline


def test_windows_have_the_times_of_their_first_and_last_sample() -> None:
    values = motion(1, 300)
    first, second, third = pipeline().push([replace(block(values), start_s=7.0)], 0.0)
    assert [first.start_s, first.end_s] == pytest.approx([7.0, 9.54])
    assert [second.start_s, third.start_s] == pytest.approx([8.28, 9.56])


def test_a_settled_label_speaks_of_the_half_window_two_hops_back() -> None:
    predictions = pipeline().push([block(motion(1, 400))], 0.0)
    assert [p.settled for p in predictions[:2]] == [None, None]
    settled = predictions[2].settled
    assert settled is not None
    # Window 2 spans samples 128..255; two hops before its last half (192..255) lie samples 64..127.
    assert [settled.start_s, settled.end_s] == pytest.approx([64 / 50, 128 / 50])


def test_of_devices_with_several_windows_each_is_told_one_in_turn() -> None:
    windows = np.random.default_rng(1).standard_normal((6, 128, 9)).astype(np.float32)
    times_s = np.arange(3, dtype=np.float64)
    blocks = [
        WindowBlock("a", times_s, times_s > 0, windows[:3], 64),
        WindowBlock("b", times_s, times_s > 0, windows[3:], 64),
    ]
    told = pipeline().push(blocks, 0.0)
    assert [(one.device, one.start_s) for one in told] == [(device, at) for at in (0, 1, 2) for device in "ab"]
    (alone,) = pipeline().push(
        [replace(blocks[1], start_s=times_s[:1], continues=times_s[:1] > 0, values=windows[3:4])], 0
    )
    assert list(told[1].probabilities.values()) == pytest.approx(list(alone.probabilities.values()), abs=1e-6)


def test_probabilities_are_of_the_six_activities_and_confidence_is_the_raw_labels() -> None:
    (prediction,) = pipeline().push([block(motion(1, 130))], 0.0)
    assert tuple(prediction.probabilities) == ACTIVITIES
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert prediction.raw == max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    assert prediction.confidence == prediction.probabilities[prediction.raw]


def test_truth_is_the_majority_of_the_last_half() -> None:
    truth = np.zeros(258, np.uint8)
    truth[:90] = CODE_BY_NAME["sitting"]
    truth[90:129] = CODE_BY_NAME["sit_to_stand"]
    told = pipeline().push([block(motion(1, 258), truth=truth)], 0.0)
    assert [(p.has_truth, p.truth) for p in told] == [(True, "sit_to_stand"), (True, None), (True, None)]
    assert [p.has_truth for p in pipeline().push([block(motion(1, 130))], 0.0)] == [False]


def test_no_window_spans_a_gap() -> None:
    values = motion(1, 600)
    stream = pipeline()
    predictions = stream.push([block(values[:200]), block(values[300:], 300)], 0.0)
    assert [round(p.start_s * 50) for p in predictions] == [0, 64, 300, 364, 428]
    assert predictions[2].settled is None


def test_one_missing_sample_is_bridged() -> None:
    values = motion(1, 330)
    accounting = Accounting()
    stream = pipeline(accounting)
    predictions = stream.push([block(values[:150]), block(values[151:], 151)], 0.0)
    assert [round(p.start_s * 50) for p in predictions] == [0, 64, 128, 192]
    assert accounting.used + stream.buffered == 329


def test_samples_that_are_not_finite_leave_later_windows_as_they_would_be() -> None:
    values = motion(1, 900)
    broken = values.copy()
    broken[10:40] = np.nan
    broken[500] = [np.inf, 0, 0, 0, 0, 1e38]
    accounting = Accounting()
    told = pipeline(accounting).push([block(broken)], 0.0)
    assert accounting.refused == {"not_finite": 31}
    assert all(np.isfinite(list(p.probabilities.values())).all() for p in told)
    clean = pipeline().push([block(values[40:], 40)], 0.0)
    by_start = {round(p.start_s, 2): p for p in clean}
    for prediction in told:
        if prediction.end_s < 500 / 50:
            assert prediction == by_start[round(prediction.start_s, 2)]


def test_ready_made_windows_get_what_the_model_says_of_each() -> None:
    manifest, classifier = model()
    windows = np.random.default_rng(1).standard_normal((5, 128, 9)).astype(np.float32)
    start_s = np.arange(5, dtype=np.float64) * 1.28
    rows = WindowBlock("u", start_s, np.arange(5) > 0, windows, 64, np.arange(1, 6, dtype=np.uint8))
    accounting = Accounting()
    told = pipeline(accounting).push([rows], 0.0)
    offline = classifier.probabilities(windows).argmax(axis=1)
    assert [p.raw for p in told] == [manifest.labels[label] for label in offline]
    assert [p.truth for p in told] == list(ACTIVITIES[:5])
    assert accounting.used == 128 + 4 * 64


def test_ready_made_windows_that_are_not_finite_or_in_range_are_refused() -> None:
    windows = np.random.default_rng(1).standard_normal((5, 128, 9)).astype(np.float32)
    windows[1, 5, 2] = np.nan
    windows[3, 5, 8] = 1e6
    rows = WindowBlock("u", np.arange(5, dtype=np.float64) * 1.28, np.arange(5) > 0, windows, 64)
    accounting = Accounting()
    told = pipeline(accounting).push([rows], 0.0)
    assert [p.start_s for p in told] == [0.0, 2 * 1.28, 4 * 1.28]
    assert accounting.refused == {"not_finite": 64, "out_of_range": 64}
    assert accounting.used == 128 + 2 * 64


def test_after_a_refused_window_the_stream_begins_anew() -> None:
    windows = np.random.default_rng(1).standard_normal((9, 128, 9)).astype(np.float32)
    windows[4, 5, 2] = np.nan
    rows = WindowBlock("u", np.arange(9, dtype=np.float64) * 1.28, np.arange(9) > 0, windows, 64)
    told = pipeline().push([rows], 0.0)
    assert [p.settled is None for p in told] == [True, True, False, False, True, True, False, False]


def test_a_clock_that_runs_a_little_slow_keeps_its_own_time() -> None:
    values, stream, told = motion(1, 60_000), pipeline(), []
    for start in range(0, 60_000, 500):
        one = block(values[start : start + 500], start)
        told += stream.push([replace(one, start_s=start / 49.97)], 0.0)
    last_sample = (len(told) - 1) * 64 + 127
    assert told[-1].end_s == pytest.approx(last_sample / 49.97, abs=0.02)


@pytest.mark.parametrize("clock_hz", [49.96, 50.0, 50.04])
@pytest.mark.parametrize("stall", [1, 7, 1000])
def test_a_clock_a_little_off_loses_nothing_however_blocks_wait(clock_hz: float, stall: int) -> None:
    values = motion(1, 10_000)
    accounting = Accounting()
    stream = pipeline(accounting)
    blocks = [SampleBlock("a", at, at / clock_hz, 50.0, values[at : at + 25]) for at in range(0, len(values), 25)]
    told = [p for at in range(0, len(blocks), stall) for p in stream.push(blocks[at : at + stall], 0.0)]
    assert accounting.refused == {}
    assert accounting.dropped == {}
    assert len(told) == (len(values) - 1 - 128) // 64 + 1


def test_blocks_that_waited_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    values = motion(1, 3000)
    many = [block(values[at : at + 5], at) for at in range(0, 3000, 5)]
    stream = pipeline()
    pushes = []
    framed = stream._framer.push  # noqa: SLF001 - how often it is called is the point

    def counted(uniform: UniformBatch) -> FramedWindows:
        pushes.append(uniform)
        return framed(uniform)

    monkeypatch.setattr(stream._framer, "push", counted)  # noqa: SLF001
    together = stream.push(many, 0.0)
    assert len(pushes) == 1
    assert told_of(together, "a") == told_of(pipeline().push([block(values)], 0.0), "a")


def test_unlawful_and_surplus_devices_are_refused() -> None:
    accounting = Accounting()
    stream = pipeline(accounting, max_devices=1)
    told = stream.push([block(motion(i, 200), device=name) for i, name in enumerate(["a/b", "ok", "extra"])], 0.0)
    assert {p.device for p in told} == {"ok"}
    assert accounting.refused == {"device_id": 200, "max_devices": 200}


def test_an_idle_device_gives_its_place_to_a_new_one() -> None:
    accounting = Accounting()
    stream = pipeline(accounting, max_devices=1, idle_s=60)
    stream.push([block(motion(1, 100), device="old")], 0.0)
    stream.push([block(motion(2, 100), device="new")], 59.0)
    assert accounting.refused == {"max_devices": 100}
    assert len(stream.push([block(motion(2, 200), device="new")], 61.0)) == 2
    assert accounting.dropped == {"evicted": 100}
    assert stream.buffered == 200 - 192


@pytest.mark.parametrize("rate_hz", [0.0, -50.0, 1e9, float("nan")])
def test_a_sampling_rate_that_is_none_is_refused(rate_hz: float) -> None:
    accounting = Accounting()
    assert not pipeline(accounting).push([replace(block(motion(1, 300)), rate_hz=rate_hz)], 0.0)
    assert accounting.refused == {"rate": 300}


def cut_up(device: str, samples: int, cuts: list[int]) -> list[SampleBlock]:
    values = motion(len(device), samples)
    edges = [0, *sorted({cut for cut in cuts if cut < samples}), samples]
    return [block(values[a:b], a, device) for a, b in pairwise(edges)]


def told_of(predictions: list[Prediction], device: str) -> list[tuple[float, str, str, str | None]]:
    own = (p for p in predictions if p.device == device)
    return [(p.start_s, p.raw, p.label, p.settled.label if p.settled else None) for p in own]


@cache
def told_alone() -> tuple[Prediction, ...]:
    """What is told of 500 samples in one block."""
    return tuple(pipeline().push([block(motion(1, 500))], 0.0))


@given(st.lists(st.integers(1, 499), max_size=6), st.lists(st.integers(1, 499), max_size=6), st.randoms())
def test_labels_do_not_depend_on_cuts_nor_on_other_devices(
    cuts: list[int], other_cuts: list[int], random: object
) -> None:
    alone = list(told_alone())
    ticks = [*cut_up("a", 500, cuts), *cut_up("bb", 450, other_cuts)]
    queues = {name: [b for b in ticks if b.device == name] for name in ("a", "bb")}
    stream, told = pipeline(), []
    while any(queues.values()):
        name = random.choice([n for n, q in queues.items() if q])  # type: ignore[attr-defined]
        take = random.randint(1, 3)  # type: ignore[attr-defined]
        told += stream.push(queues[name][:take], 0.0)
        queues[name] = queues[name][take:]
    assert told_of(told, "a") == told_of(alone, "a")
    ours = [list(p.probabilities.values()) for p in told if p.device == "a"]
    assert np.abs(np.array(ours) - [list(p.probabilities.values()) for p in alone]).max() < 1e-5


faulty_blocks = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "bad id"]),
        st.integers(-200, 400),
        st.integers(0, 150),
        st.sampled_from([None, None, None, "nan", "huge", "rate", "time"]),
    ),
    max_size=25,
)


@given(faulty_blocks)
def test_the_books_balance_after_every_tick(steps: list[tuple[str, int, int, str | None]]) -> None:
    accounting = Accounting()
    stream = pipeline(accounting, max_devices=2, idle_s=3.0)
    place = dict.fromkeys(("a", "b", "c", "bad id"), 1000)
    for now_s, (device, jump, samples, fault) in enumerate(steps):
        # Most blocks follow the one before; some jump ahead or back.
        place[device] += jump if abs(jump) > 120 else 0
        values = motion(now_s, samples)
        if fault in ("nan", "huge"):
            values[samples // 2 : samples // 2 + 3] = np.nan if fault == "nan" else 1e6
        one = block(values, place[device], device)
        one = replace(one, rate_hz=44.1) if fault == "rate" else one
        one = replace(one, start_s=float("inf")) if fault == "time" else one
        accounting.enter(samples)
        stream.push([one], float(now_s))
        place[device] += samples
        assert accounting.balance(stream.buffered) == 0
        assert stream.buffered >= 0


def test_the_books_count_a_devices_own_samples_where_its_rate_is_another() -> None:
    accounting = Accounting()
    stream = pipeline(accounting)
    values = motion(1, 2 * (1 + 128 + 64 + 60))
    for start in range(0, len(values), 300):
        part = values[start : start + 300]
        accounting.enter(len(part))
        stream.push([TimedBlock("a", (start + np.arange(len(part))) / 100.0, part, 100.0)], 0.0)
        assert accounting.balance(stream.buffered) == 0
    # Two samples for each of the model's; the low-pass' delay and the median's neighbour are a few more.
    assert accounting.used == pytest.approx(2 * (128 + 64), abs=10)
    assert stream.buffered == pytest.approx(2 * 60, abs=12)
