"""Books of single devices: a few, and only of those that are there."""

from __future__ import annotations

from har_stream.device_books import DeviceBooks, DeviceReading
from tests.predictions import prediction


def test_windows_are_counted_and_the_last_label_holds() -> None:
    books = DeviceBooks(2)
    books.note([prediction("watch", label="walking"), prediction("belt", label="laying")])
    books.note([prediction("watch", label="sitting")])
    assert books.read({"watch": 5.0, "belt": 6.0}.get) == (
        DeviceReading("watch", 2, "sitting", 5.0),
        DeviceReading("belt", 1, "laying", 6.0),
    )


def test_there_are_never_more_than_may_be_and_who_leaves_makes_room() -> None:
    books = DeviceBooks(2)
    books.note([prediction(device) for device in ("a", "b", "c")])
    assert [one.device for one in books.read(lambda _: 1.0)] == ["a", "b"]
    assert [one.device for one in books.read({"b": 1.0, "c": 1.0}.get)] == ["b"]
    books.note([prediction(device) for device in ("a", "b", "c")])
    assert [(one.device, one.windows) for one in books.read(lambda _: 1.0)] == [("b", 2), ("a", 1)]


def test_none_are_kept_unless_asked_for() -> None:
    books = DeviceBooks(0)
    books.note([prediction("watch")])
    assert books.read(lambda _: 1.0) == ()
