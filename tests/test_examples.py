"""Examples for training: drawn from recordings with the shares of what they span, or a table's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from har_stream.activities import ACTIVITIES, TRANSITIONS
from har_stream.datasets import WindowTable
from training.architectures import architecture
from training.augmentation import Augmentation
from training.corpus import Corpus, Track
from training.examples import Sampling, ends_of, epochs_of
from training.fit import outputs_of, sampling_of

WINDOW = 8
OUTPUTS = ACTIVITIES + TRANSITIONS
STAND_TO_SIT = 7
TILTED = Augmentation(tilt_deg=5, turned_tilt_deg=0, turned_share=0.5)


def track(subject: int, truth: list[int]) -> Track:
    """Samples that say whose they are and which in body x, and stand upright."""
    channels = np.zeros((len(truth), 9), np.float32)
    channels[:, 0] = 1000 * subject + np.arange(len(truth))
    channels[:, 6] = channels[:, 0] + 1
    return Track(subject, channels, np.array(truth, np.uint8))


def table(windows: int) -> WindowTable:
    people = np.ones(windows, np.int16)
    codes = (np.arange(windows) % 6 + 1).astype(np.uint8)
    values = np.random.default_rng(1).standard_normal((windows, WINDOW, 9)).astype(np.float32)
    return WindowTable(values, codes, people, people, np.arange(windows), np.zeros(windows, np.bool_))


def shares(truth: list[int], *, span: int, ahead: int) -> dict[int, dict[str, float]]:
    """By a window's end, the share of each output that is not 0."""
    ends = ends_of((track(1, truth),), window=WINDOW, outputs=12, sampling=Sampling(1, span, ahead))
    told = ({OUTPUTS[k]: round(float(one[k]), 3) for k in np.flatnonzero(one)} for one in ends.target)
    return dict(zip(ends.place.tolist(), told, strict=True))


def test_a_target_is_the_shares_of_the_samples_that_it_speaks_of() -> None:
    truth = [5] * 10 + [STAND_TO_SIT] * 4 + [4] * 6
    told = shares(truth, span=4, ahead=0)
    assert told[10] == {"standing": 1.0}
    assert told[11] == {"standing": 0.75, "stand_to_sit": 0.25}
    assert told[14] == {"stand_to_sit": 1.0}
    assert told[20] == {"sitting": 1.0}
    assert min(told) == WINDOW  # one that ends sooner would begin before the recording


def test_samples_ahead_are_those_after_the_windows_end() -> None:
    truth = [5] * 10 + [4] * 10
    told = shares(truth, span=4, ahead=2)
    assert told[8] == {"standing": 1.0}
    assert told[9] == {"standing": 0.75, "sitting": 0.25}
    assert told[20] == {"sitting": 1.0}  # at a recording's end no sample is ahead


def test_where_less_than_half_is_labelled_no_window_ends() -> None:
    told = shares([5] * 10 + [0] * 10, span=4, ahead=0)
    assert max(told) == 12  # two of its last four samples
    assert told[12] == {"standing": 1.0}


@given(st.lists(st.integers(WINDOW, 40), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 2**16))
def test_no_example_spans_two_recordings(lengths: list[int], ahead: int, seed: int) -> None:
    tracks = tuple(track(1 + number, [1 + number % 6] * length) for number, length in enumerate(lengths))
    corpus = Corpus(table(6), tracks)
    drawn = epochs_of(
        corpus, outputs=12, epochs=1, seed=seed, augmentation=None, sampling=Sampling(20, span=4, ahead=ahead)
    )
    ((_, _, values, targets),) = drawn
    assert values.shape == (20, WINDOW, 9)
    owner = values[:, :, 0] // 1000
    assert np.array_equal(owner[:, 0], owner[:, -1])
    assert (np.diff(values[:, :, 0], axis=1) == 1).all()
    assert np.array_equal(targets.argmax(axis=1), (owner[:, 0] - 1) % 6)


def test_every_epoch_draws_anew_and_a_seed_draws_the_same() -> None:
    corpus = Corpus(table(6), (track(1, [1] * 300),))

    def drawn(seed: int) -> list[np.ndarray]:
        sampling = Sampling(30, span=4, ahead=0)
        told = epochs_of(corpus, outputs=12, epochs=3, seed=seed, augmentation=TILTED, sampling=sampling)
        return [values for _, _, values, _ in told]

    first, second, third = drawn(1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    assert all(np.array_equal(one, other) for one, other in zip([first, second, third], drawn(1), strict=True))
    assert not np.array_equal(first, drawn(2)[0])


def test_windows_are_drawn_only_where_a_recipe_asks_and_there_are_recordings() -> None:
    recorded, rows = Corpus(table(6), (track(1, [1] * 300),)), Corpus(table(6))
    draws, takes = architecture("sway-lstm"), architecture("seed-lstm")
    assert sampling_of(draws, recorded) == draws.recipe.sampling is not None
    assert [sampling_of(draws, rows), sampling_of(takes, recorded), sampling_of(takes, rows)] == [None] * 3
    assert outputs_of(draws, recorded) == OUTPUTS
    assert outputs_of(draws, rows) == outputs_of(takes, recorded) == ACTIVITIES


def test_a_tables_windows_are_those_of_every_epoch() -> None:
    corpus = Corpus(table(12))
    settings = {"outputs": 6, "epochs": 3, "seed": 1, "sampling": None}
    ((first, last, values, targets),) = epochs_of(corpus, augmentation=None, **settings)  # type: ignore[arg-type]
    assert (first, last) == (0, 3)
    assert np.array_equal(values, corpus.table.values)
    assert np.array_equal(targets.argmax(axis=1) + 1, corpus.table.codes)
    epochs = list(epochs_of(corpus, augmentation=TILTED, **settings))  # type: ignore[arg-type]
    assert [(first, last) for first, last, _, _ in epochs] == [(0, 1), (1, 2), (2, 3)]


def test_a_corpus_without_some_people_holds_nothing_of_them() -> None:
    people = np.array([1, 1, 2, 3, 3, 3], np.int16)
    one = table(6)
    rows = WindowTable(one.values, one.codes, people, people, one.start, one.continues)
    corpus = Corpus(rows, tuple(track(person, [1] * 20) for person in (1, 2, 3)))
    rest = corpus.without([1, 3])
    assert rest.table.subject.tolist() == [2]
    assert [track.subject for track in rest.tracks] == [2]
    assert corpus.inside([1, 3]).tolist() == [True, True, False, True, True, True]
