"""Ctrl-C during a training: remembered, so that what is done so far can be kept; a second one ends at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self


class Interruption:
    """Takes SIGINT while the block lasts: the first one sets `asked`, any other raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False
        self._again = False
        self._cuts = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def cutting_short(self) -> Iterator[None]:
        """Leave this block at the first Ctrl-C instead, wherever it is; a second one goes on to the caller."""
        self._cuts = True
        try:
            yield
        except KeyboardInterrupt:
            if self._again:
                raise
        finally:
            self._cuts = False

    def check(self) -> None:
        """Raise KeyboardInterrupt where Ctrl-C came already."""
        if self.asked:
            raise KeyboardInterrupt

    def _on_signal(self, *_: object) -> None:
        self._again, self.asked = self.asked, True
        if self._again or self._cuts:
            raise KeyboardInterrupt
