"""What the daemon asks of a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from har_stream.samples import Prediction


class SinkClosed(Exception):  # noqa: N818 - no error: the reader of a pipe has had enough
    """The other end will take nothing more, and the stream may end."""


class Sink(Protocol):
    """Somewhere that predictions go. All methods but `ready` are called from the sink's own thread, one at a time.

    (`pass_on` may be from another, while that one waits.)
    """

    name: str

    @property
    def at_once(self) -> int:
        """How many predictions one write() is given at most."""

    @property
    def condition(self) -> str:
        """Why labels cannot go out, "" where they can. May be read from any thread."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin; call `wake` whenever the sink becomes ready."""

    def ready(self) -> bool:
        """Tell whether write() would take predictions now. May be called from any thread."""

    def pass_on(self, predictions: list[Prediction]) -> bool:
        """Do what write() does if that surely waits for nobody, and tell whether it is done; most sinks cannot."""

    def write(self, predictions: list[Prediction]) -> int:
        """Pass predictions on; return how many of them, from the first on, were taken.

        Raises OSError where they are lost, SinkClosed where the stream may end.
        """

    def idle(self) -> None:
        """Do what time alone asks for; called about once a second."""

    def close(self, deadline_s: float) -> None:
        """End, at the latest when time.monotonic() reaches deadline_s."""
