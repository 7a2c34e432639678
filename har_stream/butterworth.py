"""A causal Butterworth low-pass over many devices at once, its state carried from block to block.

Computed in double precision as second-order sections (direct form II transposed): each device's output is the
same bits however its stream is cut into blocks and whatever devices share a batch with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from har_stream.batch import places
from har_stream.manifest import InitialState, LowPass
from har_stream.samples import Rows
from har_stream.sections import filter_sections


class ButterworthLowPass:
    """One filter for `rows` devices of `axes` channels each."""

    def __init__(self, spec: LowPass, *, rate_hz: float, initial_state: InitialState, rows: int, axes: int) -> None:
        self._sections = low_pass_sections(spec.order, spec.cutoff_hz, rate_hz=rate_hz)
        # The state that a constant input of 1 settles in; zero leaves the transient in, as UCI HAR has it.
        self._start = settled(self._sections) * (initial_state == "first-sample")
        self._state = np.zeros((axes, rows, len(self._sections), 2))

    def reset(self, rows: Rows, first: NDArray[np.float64]) -> None:
        """Begin anew in `rows`; first (d, axes) holds each device's first sample."""
        self._state[:, rows] = self._start * first.T[:, :, np.newaxis, np.newaxis]

    def push(self, rows: Rows, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Filter values (d, n, axes), a device a row, and keep the state for the next block."""
        signals = axes_first(values)
        self.filter(rows, signals)
        return signals.transpose(1, 2, 0)

    def filter(self, rows: Rows, signals: NDArray[np.float64]) -> None:
        """Filter signals (axes, d, n) where they lie, one after the other, and keep the state for the next block."""
        at = places(rows)
        state = self._state.take(rows, axis=1) if at is rows else self._state[:, at].copy()
        filter_sections(self._sections, signals.reshape(-1, signals.shape[2]), state.reshape(-1, *state.shape[2:]))
        self._state[:, at] = state


def axes_first(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return a copy of values (d, n, axes) as the filters take them: (axes, d, n), a signal's samples in a row."""
    return np.array(values.transpose(2, 0, 1), np.float64, order="C")


def low_pass_sections(order: int, cutoff_hz: float, *, rate_hz: float) -> NDArray[np.float64]:
    """Return the sections (k, 6) of a digital low-pass: b0 b1 b2 a0 a1 a2 each, the sharpest last.

    The analogue filter's poles lie on a circle; the bilinear transform, warped so that the cutoff stays where it is,
    brings them inside the unit circle. All zeros come to lie at -1. Source: A. Oppenheim, R. Schafer, Discrete-Time
    Signal Processing, 3rd ed. 2010, ch. 7.
    """
    odd = order % 2
    # One pole of each pair, by the angle from the negative real axis, on which the lone one of an odd order lies.
    angle = np.pi * np.arange(1 - odd, order, 2) / (2 * order)
    analogue = -np.tan(np.pi * cutoff_hz / rate_hz) * np.exp(-1j * angle)
    pole = (1 + analogue) / (1 - analogue)
    sections = np.zeros((len(pole), len("bbbaaa")))
    sections[:, :3] = 1, 2, 1
    sections[:, 3:] = np.stack([np.ones(len(pole)), -2 * pole.real, np.abs(pole) ** 2], axis=1)
    gain = np.abs(1 - pole) ** 2 / 4
    if odd:
        sections[0, 4:] = -pole[0].real, 0
        sections[-1, :3] = 1, 1, 0
        gain[0] = abs(1 - pole[0]) / 4
        gain[-1] *= 2
    sections[0, :3] *= gain.prod()
    return sections


def settled(sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the state (k, 2) of the sections in which a constant input of 1 leaves them."""
    state, level = np.zeros((len(sections), 2)), 1.0
    for section, (b0, b1, b2, _, a1, a2) in zip(state, sections, strict=True):
        gain = (b0 + b1 + b2) / (1 + a1 + a2)
        section[:] = level * (gain - b0), level * (b2 - a2 * gain)
        level *= gain
    return state


def delay_s(sections: NDArray[np.float64], frequency_hz: float, *, rate_hz: float) -> float:
    """Return by how long the filter delays a slow oscillation."""
    ahead = np.exp(-2j * np.pi * frequency_hz / rate_hz) ** np.arange(3)
    response = np.prod((sections[:, :3] @ ahead) / (sections[:, 3:] @ ahead))
    return float(-np.angle(response) / (2 * np.pi * frequency_hz))
