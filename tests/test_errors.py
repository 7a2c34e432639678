"""The errors that end a command: their exit codes, and the suggestion of a nearest word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.errors import ConfigError, HarStreamError, InputError, nearest

KNOWN = ["walking", "sitting", "standing"]


@pytest.mark.parametrize(("kind", "exit_code"), [(HarStreamError, 1), (ConfigError, 78), (InputError, 66)])
def test_exit_codes_are_those_of_sysexits(kind: type[HarStreamError], exit_code: int) -> None:
    assert kind("why").exit_code == exit_code
    assert str(kind("why")) == "why"


def test_both_kinds_are_caught_as_one() -> None:
    assert issubclass(ConfigError, HarStreamError)
    assert issubclass(InputError, HarStreamError)


@pytest.mark.parametrize(("word", "meant"), [("walkin", "walking"), ("siting", "sitting"), ("standign", "standing")])
def test_a_near_miss_gets_the_word_that_was_meant(word: str, meant: str) -> None:
    assert nearest(word, KNOWN) == f" (did you mean {meant!r}?)"


def test_a_word_like_none_gets_all_that_are_known_in_order() -> None:
    assert nearest("zzz", KNOWN) == " (known: sitting, standing, walking)"


@given(st.text(), st.lists(st.text(max_size=8), max_size=5))
def test_the_suggestion_is_always_one_of_the_known(word: str, known: list[str]) -> None:
    expected = {f" (did you mean {choice!r}?)" for choice in known} | {f" (known: {', '.join(sorted(known))})"}
    assert nearest(word, known) in expected
