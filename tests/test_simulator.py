"""The simulator as a source: options, names, blocks, and the same samples whatever the speed."""

from __future__ import annotations

from itertools import islice
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.activities import ACTIVITIES, CODE_BY_NAME, TRANSITIONS
from har_stream.classifier import Classifier
from har_stream.errors import ConfigError
from har_stream.framed import majority_of_last_half
from har_stream.manifest import Framing, load_manifest, resolve
from har_stream.preprocessing import Preprocessing
from har_stream.samples import Codes, SampleBlock, Samples
from har_stream.sources.simulated_person import RATE_HZ, Step
from har_stream.sources.simulator import DAY, Simulator, from_middle
from har_stream.uri import parse_uri
from tests.property_examples import share_of_examples
from training.chain import UCI_HAR_FRAMING

SHORT = "script=walking:3,sitting:2"


def simulator(options: str = "") -> Simulator:
    return Simulator(parse_uri(f"sim:?{options}" if options else "sim:"))


def blocks(options: str, ticks: int | None = None) -> list[SampleBlock]:
    """All blocks of a simulator, or those of its first ticks."""
    told = islice(simulator(options).blocks(Event()), ticks)
    return [block for tick in told for block in tick if isinstance(block, SampleBlock)]


def stream(told: list[SampleBlock], device: str = "sim01") -> tuple[Samples, Codes]:
    own = [block for block in told if block.device == device]
    truth = [block.truth for block in own if block.truth is not None]
    return np.concatenate([block.values for block in own]), np.concatenate(truth)


@pytest.mark.parametrize("speed", ["50", "500"])
def test_the_same_seed_gives_the_same_samples_at_any_speed(speed: str) -> None:
    fast, slow = (blocks(f"devices=2&{SHORT}&seed=5&loop=no&speed={one}") for one in ("max", speed))
    for device in ("sim01", "sim02"):
        (fast_values, fast_truth), (slow_values, slow_truth) = stream(fast, device), stream(slow, device)
        assert np.array_equal(fast_values, slow_values)
        assert np.array_equal(fast_truth, slow_truth)


@share_of_examples(0.04)  # each plays 24 s twice: 40 ms
@given(seed=st.integers(0, 2**40), step=st.integers(1, 300))
def test_block_size_does_not_show_in_the_samples(seed: int, step: int) -> None:
    player = simulator(f"{SHORT}&seed={seed}")._players[0]  # noqa: SLF001 - the speeds alone give few sizes
    small, large = (stream(list(player.blocks(size, loop=False))) for size in (step, 1024))
    assert np.array_equal(small[0], large[0])
    assert np.array_equal(small[1], large[1])


def test_another_seed_gives_other_samples() -> None:
    one, other = (stream(blocks(f"{SHORT}&loop=no&speed=max&seed={seed}"))[0][:100] for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_each_device_is_someone_else() -> None:
    told = blocks(f"devices=3&{SHORT}&loop=no&speed=max")
    first = [stream(told, device)[0][:100] for device in ("sim01", "sim02", "sim03")]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])


def test_blocks_follow_each_other() -> None:
    told = blocks(f"{SHORT}&loop=no&speed=max")
    assert [block.sequence for block in told] == np.cumsum([0, *map(len, (b.values for b in told))])[:-1].tolist()
    assert all(block.start_s == block.sequence / RATE_HZ and block.rate_hz == RATE_HZ for block in told)
    assert all(block.truth is not None and len(block.truth) == len(block.values) for block in told)


@pytest.mark.parametrize(("speed", "size"), [("1", 5), ("4", 20), ("100", 64), ("max", 1024)])
def test_block_size(speed: str, size: int) -> None:
    one = simulator(f"speed={speed}")
    assert one.paced == (speed != "max")
    assert len(blocks(f"speed={speed}", ticks=1)[0].values) == size


def test_blocks_are_due_when_their_last_sample_is() -> None:
    timeline = simulator("speed=1")._timeline()  # noqa: SLF001 - the clock itself is source.py's
    assert [due_s for due_s, _ in islice(timeline, 3)] == pytest.approx([0.08, 0.18, 0.28])


@pytest.mark.parametrize(
    ("devices", "first", "last"), [(1, "sim01", "sim01"), (12, "sim01", "sim12"), (100, "sim001", "sim100")]
)
def test_names(devices: int, first: str, last: str) -> None:
    names = [block.device for block in blocks(f"devices={devices}&speed=1000", ticks=1)]
    assert (names[0], names[-1], len(names)) == (first, last, devices)
    assert simulator(f"devices={devices}").devices == devices


def test_a_script_is_followed_from_its_start_and_ends() -> None:
    _, truth = stream(blocks(f"{SHORT}&loop=no&speed=max"))
    assert set(truth[:150].tolist()) == {CODE_BY_NAME["walking"]}
    assert set(truth[-100:].tolist()) == {CODE_BY_NAME["sitting"]}


def test_a_loop_goes_on() -> None:
    _, truth = stream(blocks(f"{SHORT}&speed=max", ticks=3))
    assert len(truth) == 3 * 1024
    starts = np.flatnonzero((truth[1:] == CODE_BY_NAME["walking"]) & (truth[:-1] != CODE_BY_NAME["walking"]))
    assert len(starts) >= 3


def test_stop_ends_the_stream() -> None:
    stop = Event()
    stream_of_ticks = simulator("speed=1").blocks(stop)
    stop.set()
    assert list(stream_of_ticks) == []


def test_a_day_is_about_twenty_minutes_of_everything() -> None:
    assert 18 * 60 < sum(step.duration_s for step in DAY) < 22 * 60
    assert {step.activity for step in DAY} == set(ACTIVITIES)
    _, truth = stream(blocks("loop=no&speed=max"))
    named = {CODE_BY_NAME[name] for name in ("stand_to_sit", "sit_to_stand", "sit_to_lie", "lie_to_sit")}
    assert named <= set(truth.tolist())


def test_devices_are_at_different_points_of_the_day() -> None:
    told = blocks("devices=6&speed=max", ticks=1)
    assert len({int(block.truth[0]) for block in told if block.truth is not None}) >= 3


@given(start_s=st.floats(0, 29.9))
def test_from_the_middle_and_round(start_s: float) -> None:
    script = (Step("walking", 10), Step("sitting", 15), Step("laying", 5))
    turned = from_middle(script, start_s)
    assert sum(step.duration_s for step in turned) == pytest.approx(30)
    assert all(step.duration_s > 0 for step in turned)
    assert turned[0].activity == ("walking" if start_s < 10 else "sitting" if start_s < 25 else "laying")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("script=walkin:30", "unknown activity 'walkin' (did you mean 'walking'?)"),
        ("script=walking:0", "a number of seconds above 0, not '0'"),
        ("script=walking:-3", "a number of seconds above 0, not '-3'"),
        ("script=walking:nan", "a number of seconds above 0, not 'nan'"),
        ("script=walking:soon", "a number of seconds above 0, not 'soon'"),
        ("script=walking", "script is day or activity:seconds,..., not 'walking'"),
        ("script=", "script is day or activity:seconds,..., not ''"),
        ("script=walking:30,", "script is day or activity:seconds,..., not ''"),
        ("devices=0", "devices"),
        ("devices=many", "devices"),
        ("seed=-1", "seed"),
        ("speed=0", "speed is a number from"),
        ("loop=perhaps", "loop"),
        ("device=3", "unknown option 'device' (did you mean 'devices'?)"),
    ],
)
def test_a_faulty_uri_is_told_in_one_line(options: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        simulator(options)
    assert said in str(caught.value)
    assert f"sim:?{options}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="options alone"):
        Simulator(parse_uri("sim:walking"))


def test_another_rate_is_refused() -> None:
    simulator().fit(UCI_HAR_FRAMING)
    with pytest.raises(ConfigError, match="100 Hz"):
        simulator().fit(Framing(rate_hz=100.0, window=128, hop=64))


def test_the_shipped_model_knows_what_simulated_people_do() -> None:
    folder = resolve("seed-lstm")
    manifest = load_manifest(folder)
    preprocessing = Preprocessing(manifest.filters, manifest.framing, rows=1)
    told = blocks("devices=12&loop=no&speed=max")
    right = []
    for device in sorted({block.device for block in told}):
        values, truth = stream(told, device)
        row = np.zeros(1, np.intp)
        preprocessing.reset(row, values[np.newaxis, 0])
        windows = preprocessing.push(row, values[np.newaxis], truth[np.newaxis])
        last = majority_of_last_half(windows.truth)
        known = (last > 0) & (last <= len(ACTIVITIES))
        labels = Classifier(folder, manifest).probabilities(windows.values[known]).argmax(axis=1) + 1
        right.append(labels == last[known])
    assert np.concatenate(right).mean() > 0.93


def test_transitions_have_the_data_sets_names() -> None:
    _, truth = stream(blocks("script=standing:2,laying:2,sitting:2&loop=no&speed=max"))
    told = [code for code in dict.fromkeys(truth.tolist()) if code > len(ACTIVITIES)]
    assert told == [CODE_BY_NAME["stand_to_lie"], CODE_BY_NAME["lie_to_sit"]]
    assert {"stand_to_lie", "lie_to_sit"} <= set(TRANSITIONS)
