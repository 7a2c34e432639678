"""When what is due: time of the devices against our clock, and how late we are."""

from __future__ import annotations

import time

from har_stream.bridge.stop import Stop


class Pace:
    """Devices' time runs `speed` times as fast as ours from now on; None: as fast as we can.

    lag_s is by how much the newest was late of what was waited for, in our time.
    """

    def __init__(self, speed: float | None, stop: Stop) -> None:
        self._speed, self._stop = speed, stop
        self._begin_s = time.monotonic()
        self.lag_s = 0.0
        self._worst_s = self._last_s = 0.0

    def since_last_s(self) -> float:
        """Return how long it has been since this was asked last."""
        last_s, self._last_s = self._last_s, self.elapsed_s
        return max(self._last_s - last_s, 1e-9)

    @property
    def elapsed_s(self) -> float:
        """How long it has been, in our time."""
        return time.monotonic() - self._begin_s

    @property
    def now_s(self) -> float:
        """The devices' time: all of it where they wait for nothing."""
        return self.elapsed_s * self._speed if self._speed else float("inf")

    def wait_until(self, due_s: float) -> bool:
        """Wait for a moment of the devices' time; False where the end was asked for."""
        if self._speed is not None:
            early_s = due_s / self._speed - self.elapsed_s
            if early_s > 0:
                self.lag_s = 0.0
                return not self._stop.wait(early_s)
            self._note(-early_s)
        return not self._stop.is_set()

    def _note(self, lag_s: float) -> None:
        self.lag_s = lag_s
        self._worst_s = max(self._worst_s, lag_s)

    def worst_lag_s(self) -> float:
        """Return the most that was late since this was asked last."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s
