"""The books: in = used + refused + dropped + buffered, at all times and from all threads."""

from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from har_stream.accounting import Accounting, Books, book_line

ENTRIES = st.lists(
    st.tuples(st.sampled_from(["use", "refuse", "drop", "buffer"]), st.sampled_from("ab"), st.integers(0, 999))
)


def test_empty_books_balance() -> None:
    assert Accounting().balance(0) == 0
    assert Accounting().line(0) == "samples in 0 = used 0 + refused 0 + dropped 0 + buffered 0"


def test_the_line_tells_every_reason_in_order() -> None:
    books = Accounting()
    books.enter(21)
    books.use(6)
    books.refuse("rate", 5)
    books.refuse("late", 2)
    books.refuse("rate", 1)
    books.drop("gap", 3)
    assert books.line(4) == ("samples in 21 = used 6 + refused 8 (late 2, rate 6) + dropped 3 (gap 3) + buffered 4")
    assert books.balance(4) == 0


@pytest.mark.parametrize("buffered", [0, 3, 12])
def test_the_balance_is_what_is_unaccounted_for(buffered: int) -> None:
    books = Accounting()
    books.enter(10)
    books.use(5)
    assert books.balance(buffered) == 5 - buffered


def test_dropping_nothing_leaves_no_reason() -> None:
    books = Accounting()
    books.drop("gap", 0)
    assert not books.dropped


@given(ENTRIES)
def test_books_balance_whatever_becomes_of_the_samples(entries: list[tuple[str, str, int]]) -> None:
    books, buffered = Accounting(), 0
    for fate, reason, samples in entries:
        books.enter(samples)
        if fate == "use":
            books.use(samples)
        elif fate == "buffer":
            buffered += samples
        else:
            getattr(books, fate)(reason, samples)
        assert books.balance(buffered) == 0


def test_no_count_of_any_thread_is_lost() -> None:
    books = Accounting()

    def work() -> None:
        for _ in range(2000):
            books.enter(3)
            books.use(1)
            books.refuse("late", 1)
            books.drop("gap", 1)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (books.samples_in, books.used, books.balance(0)) == (24_000, 8_000, 0)
    assert (books.refused, books.dropped) == ({"late": 8_000}, {"gap": 8_000})


def test_what_was_bridged_stands_beside_the_books() -> None:
    books = Books(12, 12, {}, {}, bridged=7)
    assert book_line(books, 0) == "samples in 12 = used 12 + refused 0 + dropped 0 + buffered 0; 7 bridged"
