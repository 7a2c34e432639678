"""The official split by volunteer, and who is left of it."""

from __future__ import annotations

import pytest

from har_stream.datasets.split import TEST_SUBJECTS, Selection, Split
from har_stream.errors import InputError


def test_the_official_split_is_nine_to_twenty_one() -> None:
    everybody = range(1, 31)
    test = Selection("test").of(everybody, "here")
    assert test == [2, 4, 9, 10, 12, 13, 18, 20, 24] == sorted(TEST_SUBJECTS)
    assert Selection("train").of(everybody, "here") == [n for n in everybody if n not in test]
    assert Selection().of(everybody, "here") == list(everybody)


@pytest.mark.parametrize(
    ("split", "subjects", "chosen"),
    [("all", {3, 2}, [2, 3]), ("train", {2, 3}, [3]), ("test", {2, 3}, [2]), ("all", set(), [1, 2, 3])],
)
def test_named_subjects_are_taken_in_order(split: Split, subjects: set[int], chosen: list[int]) -> None:
    assert Selection(split, frozenset(subjects)).of([3, 1, 2], "here") == chosen


@pytest.mark.parametrize(
    ("split", "subjects", "fault"),
    [
        ("all", {7}, "no subject 7"),
        ("all", {9, 7, 1}, "no subject 7, 9"),
        ("train", {2, -1}, "no subject -1"),
        ("train", {2}, "none of the subjects named is of split=train"),
    ],
)
def test_who_is_not_there_is_told_with_who_is(split: Split, subjects: set[int], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        Selection(split, frozenset(subjects)).of([3, 2, 1], "here")
    assert str(caught.value) == f"here: {fault}; subjects present: 1, 2, 3"


def test_a_split_without_anybody_is_told() -> None:
    with pytest.raises(InputError, match=r"^here: nobody of split=test; subjects present: 1, 3$"):
        Selection("test").of([1, 3], "here")
