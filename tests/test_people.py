"""The simulator's people: the file that ships, and its estimation from recordings."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from har_stream.activities import ACTIVITIES, TRANSITIONS
from har_stream.datasets import Recording, Selection, open_data_set
from har_stream.datasets.recording import spans_of
from har_stream.errors import ConfigError, InputError
from har_stream.sources.people import PEOPLE, Noise, Person, load_people
from har_stream.sources.simulated_person import RATE_HZ, SimulatedPerson, Step
from training.people import HARMONICS, estimate_people, write_people

LARGEST_FILE = 150_000
SHOWING_ALL = (
    *(Step("standing", 10), Step("sitting", 10), Step("standing", 10), Step("laying", 10), Step("sitting", 10)),
    *(Step("laying", 10), Step("standing", 10), Step("walking", 40), Step("standing", 6)),
    *(Step("walking_upstairs", 30), Step("walking_downstairs", 30), Step("walking", 40)),
)


def recording_of(person: Person, *, subject: int = 1, script: tuple[Step, ...] = SHOWING_ALL) -> Recording:
    segments = list(SimulatedPerson(person, np.random.default_rng(1)).perform(script))
    values, truth = (np.concatenate(column) for column in zip(*segments, strict=True))
    return Recording("made-up", subject, 1, RATE_HZ, 0.0, values, truth, spans_of(truth))


def degrees(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    cosine = np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)
    return float(np.degrees(np.arccos(min(1.0, cosine))))


@pytest.fixture(scope="module")
def again() -> Person:
    """The first person, estimated from what they do when simulated."""
    return estimate_people([recording_of(load_people().people[0])]).people[0]


def test_the_shipped_file_is_small_and_a_person_a_line() -> None:
    text = PEOPLE.read_text("utf-8")
    assert len(text) < LARGEST_FILE
    people = [json.loads(line.rstrip(",")) for line in text.splitlines() if '"subject"' in line]
    assert len(people) == len(load_people().people) >= 20


def test_everyone_can_do_everything() -> None:
    for person in load_people().people:
        assert (*person.gaits, *person.postures) == ACTIVITIES
        assert tuple(person.turns) == TRANSITIONS
        assert all(len(row) == 2 * HARMONICS for gait in person.gaits.values() for row in gait.cycle)


def test_everyones_noise_dies_away() -> None:
    def stable(noise: Noise) -> bool:
        return all(np.abs(np.roots([1, *(-weight for weight in row)])).max() < 1 for row in noise.memory)

    for person in load_people().people:
        assert all(stable(gait.noise) for gait in person.gaits.values())
        assert all(stable(posture.noise) for posture in person.postures.values())


@pytest.mark.parametrize("gait", ["walking", "walking_upstairs", "walking_downstairs"])
def test_estimation_recovers_the_gait(again: Person, gait: str) -> None:
    true, found = load_people().people[0].gaits[gait], again.gaits[gait]
    assert found.stride_hz == pytest.approx(true.stride_hz, rel=0.06)
    assert np.linalg.norm(found.cycle) == pytest.approx(float(np.linalg.norm(true.cycle)), rel=0.25)
    assert np.std(found.cycle[0]) == pytest.approx(np.std(true.cycle[0]), rel=0.25)
    assert 0 < found.stride_spread < 0.15


@pytest.mark.parametrize("posture", ["sitting", "standing", "laying"])
def test_estimation_recovers_the_posture(again: Person, posture: str) -> None:
    true, found = load_people().people[0].postures[posture], again.postures[posture]
    for gravity_g in found.gravity_g:
        assert min(degrees(gravity_g, one) for one in true.gravity_g) < 10
    assert found.sway_rad < 3 * true.sway_rad + 0.01


@pytest.mark.parametrize("turn", TRANSITIONS)
def test_estimation_recovers_the_turn(again: Person, turn: str) -> None:
    true, found = load_people().people[0].turns[turn], again.turns[turn]
    assert found.duration_s == pytest.approx(true.duration_s, rel=0.6)


def test_who_does_not_show_everything_is_passed_over() -> None:
    one, other = load_people().people[:2]
    partial = recording_of(other, subject=2, script=SHOWING_ALL[:4])
    assert [person.subject for person in estimate_people([partial, recording_of(one)]).people] == [1]
    with pytest.raises(InputError, match="no recording shows all"):
        estimate_people([partial])


def test_of_each_volunteer_one_recording_is_taken() -> None:
    first, second, third = load_people().people[:3]
    recordings = [recording_of(one, subject=subject) for one, subject in ((first, 7), (second, 7), (third, 3))]
    assert [person.subject for person in estimate_people(recordings).people] == [3, 7]


def test_the_same_recording_gives_the_same_person(again: Person) -> None:
    assert estimate_people([recording_of(load_people().people[0])]).people[0] == again


def test_the_shipped_people_are_those_of_the_training_volunteers(hapt_zip: Path, tmp_path: Path) -> None:
    written = tmp_path / "people.json"
    write_people(hapt_zip, written)
    fresh, shipped = load_people(written), load_people()
    present = {one.subject for one in open_data_set(hapt_zip).recordings(Selection("train"))}  # type: ignore[union-attr]
    assert {person.subject for person in fresh.people} <= present
    for one, other in zip(fresh.people, shipped.people, strict=True):
        assert one.subject == other.subject
        assert numbers(one) == pytest.approx(numbers(other), rel=0.02, abs=0.002)


def test_windows_are_no_recordings(uci_zip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="UCI HAR"):
        write_people(uci_zip, tmp_path / "people.json")


def numbers(value: object) -> list[float]:
    """All numbers in it, in order."""
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        plain = list(plain.values())
    if isinstance(plain, list | tuple):
        return [number for part in plain for number in numbers(part)]
    return [float(plain)]


@pytest.mark.parametrize("text", ["", "{}", '{"format":2,"rate_hz":50,"people":[]}', '{"people":[],"x":1}'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"people\.json"):
        load_people(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_people(tmp_path / "nobody.json")
