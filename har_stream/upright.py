"""The upright reference: walking tells where "up" is, whichever way the device sits on the body.

For each device the mean direction of gravity over windows that are surely walking is estimated, and windows are
turned by the shortest rotation that brings it onto +x, where a phone worn as UCI HAR's has it. The filters are
linear and alike on all axes, so that turning a window equals turning the samples that it was made from.

The estimate is the plain mean of the first windows and forgets slowly afterwards. Where sure walking keeps
pointing elsewhere the device was taken off or turned, and the estimate begins anew.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from har_stream.framed import mean
from har_stream.manifest import CHANNELS, UprightConstants
from har_stream.samples import Rows, Samples

AXES: Final = 3
UP: Final = np.array([1.0, 0.0, 0.0])
OPPOSITE: Final = 1e-6
"""How near to -1 a cosine may come before the shortest rotation has no axis."""


class UprightState(msgspec.Struct, frozen=True):
    """A device's reference: mean direction of gravity while walking, and over how many windows.

    It tells how the device sits on the body, whatever the model, and so holds for every model that takes one.
    """

    gravity: tuple[float, float, float]
    windows: Annotated[int, msgspec.Meta(ge=1)]


class Upright:
    """Direction of gravity while walking, and the rotation that it asks for, for `rows` devices."""

    def __init__(self, constants: UprightConstants, *, rows: int) -> None:
        self._constants = constants
        self._least_cosine = np.cos(np.radians(constants.turned_over_deg))
        self._mean = np.zeros((rows, AXES))
        self._windows = np.zeros(rows, np.int64)
        self._elsewhere = np.zeros((rows, AXES))
        self._contrary = np.zeros(rows, np.int64)
        self._walked = np.zeros(rows, np.bool_)
        # What turns a sample's nine channels at once, in place of the rotation: it changes seldom.
        self._turning = np.tile(np.eye(len(CHANNELS), dtype=np.float32), (rows, 1, 1))

        self._unlearned: tuple[Rows, Samples, NDArray[np.float32]] | None = None

    def reset(self, rows: Rows) -> None:
        """Know nothing of the devices in `rows`."""
        self.settle()
        self._windows[rows] = self._contrary[rows] = 0
        self._walked[rows] = False
        self._turning[rows] = np.eye(len(CHANNELS))

    def pause(self, rows: Rows) -> None:
        """Take the next window of the devices in `rows` as one that follows no other, as after a gap."""
        self.settle()
        self._walked[rows] = False

    def snapshot(self, rows: Rows) -> list[UprightState | None]:
        """Return the reference of each device in `rows`, None where nothing was learned yet."""
        self.settle()
        known = zip(self._mean[rows].tolist(), self._windows[rows].tolist(), strict=True)
        return [UprightState(tuple(gravity), windows) if windows else None for gravity, windows in known]

    def restore(self, row: int, state: UprightState) -> None:
        """Take a device's reference as snapshot() gave it; doubts about it were not kept."""
        self.reset(np.array([row]))
        self._mean[row] = state.gravity
        self._windows[row] = min(state.windows, self._constants.forget_windows)
        if state.windows >= self._constants.least_windows:
            self._turning[row] = of_all_sensors(rotation_to_up(self._mean[row : row + 1]))[0]

    def turn(self, rows: Rows, windows: Samples) -> Samples:
        """Return windows (w, window, 9) in their devices' upright frames; unchanged where none is known."""
        self.settle()
        return np.asarray(windows @ self._turning.take(rows, axis=0))

    def learn(self, rows: Rows, windows: Samples, walking: NDArray[np.float32]) -> None:
        """Take windows (w, window, 9) as they came, at most one of each device, and how probably each is walking.

        Only a window that follows another sure one teaches: the first may still hold a step off a chair. What these
        teach makes no difference to themselves, so that it is left for settle(), or until it does make one.
        """
        self.settle()
        self._unlearned = rows, windows, walking

    def settle(self) -> None:
        """Learn what has been left for later."""
        if self._unlearned is not None:
            unlearned, self._unlearned = self._unlearned, None
            self._learn(*unlearned)

    def _learn(self, rows: Rows, windows: Samples, walking: NDArray[np.float32]) -> None:
        sure = walking >= self._constants.sure_above
        teaches = sure & self._walked[rows]
        self._walked[rows] = sure
        rows = rows[teaches]
        if not len(rows):
            return
        gravity = unit(gravity_of(windows[teaches]))
        agrees = (self._windows[rows] == 0) | ((gravity * unit(self._mean[rows])).sum(axis=1) >= self._least_cosine)
        self._follow(rows[agrees], gravity[agrees])
        if not agrees.all():
            self._doubt(rows[~agrees], gravity[~agrees])
        known = rows[self._windows[rows] >= self._constants.least_windows]
        self._turning[known] = of_all_sensors(rotation_to_up(self._mean[known]))

    def _follow(self, rows: Rows, gravity: NDArray[np.float64]) -> None:
        self._contrary[rows] = 0
        self._windows[rows] = windows = np.minimum(self._windows[rows] + 1, self._constants.forget_windows)
        share = 1 / windows[:, np.newaxis]
        self._mean[rows] = np.where(share == 1, gravity, (1 - share) * self._mean[rows] + share * gravity)

    def _doubt(self, rows: Rows, gravity: NDArray[np.float64]) -> None:
        """Note windows that point elsewhere; where they go on doing so, begin anew with them."""
        first = (self._contrary[rows] == 0)[:, np.newaxis]
        self._elsewhere[rows] = np.where(first, gravity, self._elsewhere[rows] + gravity)
        self._contrary[rows] += 1
        sure = rows[self._contrary[rows] >= self._constants.least_windows]
        self._mean[sure] = self._elsewhere[sure] / self._contrary[sure][:, np.newaxis]
        self._windows[sure] = self._contrary[sure]
        self._contrary[sure] = 0


def calibrated(gravity: NDArray[np.float64], constants: UprightConstants) -> UprightState:
    """Return a direction of gravity (3,) as a reference that was walked in for long."""
    x, y, z = unit(gravity).tolist()
    return UprightState((x, y, z), constants.forget_windows)


def gravity_of(windows: Samples) -> NDArray[np.float64]:
    """Return the mean gravity (w, 3) in g of windows (w, window, 9): total less body acceleration."""
    means = mean(windows).astype(np.float64)
    return np.asarray(means[:, 6:9] - means[:, 0:3])


def turned(windows: Samples, rotation: NDArray[np.float64]) -> Samples:
    """Return windows (w, window, 9) with every sensor's x y z turned by rotation (w, 3, 3)."""
    return np.asarray(windows @ of_all_sensors(rotation))


def of_all_sensors(rotation: NDArray[np.float64]) -> Samples:
    """Return matrices (w, 9, 9): a sample's nine channels, multiplied by one, are turned by rotation (w, 3, 3)."""
    # The rotation thrice on the diagonal: one product for all three sensors.
    sensors = len(CHANNELS) // AXES
    matrix = np.zeros((len(rotation), sensors, AXES, sensors, AXES), np.float32)
    each = np.arange(sensors)
    matrix[:, each, :, each] = rotation.transpose(0, 2, 1)
    return matrix.reshape(len(rotation), len(CHANNELS), len(CHANNELS))


def rotation_to_up(gravity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest rotations (d, 3, 3) that bring directions (d, 3) onto +x.

    Rodrigues' formula without angles; straight down, where no rotation is shortest, it turns about z.
    """
    direction = unit(gravity)
    cosine = direction @ UP
    # The matrix of the vector product with direction x UP, which is (0, z, -y).
    skew = np.zeros((len(direction), AXES, AXES))
    skew[:, 0, 1:], skew[:, 1:, 0] = direction[:, 1:], -direction[:, 1:]
    rotation = np.eye(AXES) + skew + skew @ skew / np.maximum(1 + cosine, OPPOSITE)[:, np.newaxis, np.newaxis]
    rotation[cosine < OPPOSITE - 1] = np.diag([-1.0, -1.0, 1.0])
    return np.asarray(rotation)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors (..., 3) at length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), OPPOSITE))
