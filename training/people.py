"""Estimate the people whom the simulator plays from HAPT's recordings of the training volunteers.

Of each volunteer's recordings one is taken, that in which the phone sat most as it did on everyone. What is
estimated and what it means stands in har_stream.sources.people.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, hilbert, sosfiltfilt

from har_stream.activities import ACTIVITIES, CODE_BY_NAME, TRANSITIONS
from har_stream.datasets import Recording, Selection, open_data_set
from har_stream.datasets.hapt import Hapt
from har_stream.errors import InputError
from har_stream.sources.people import Gait, Noise, People, Person, Posture, Row, Rows, Six, Turn, Vector

Array = NDArray[np.float64]

GAITS: Final = ACTIVITIES[:3]
POSTURES: Final = ACTIVITIES[3:]
OFF_BED: Final = ACTIVITIES[:5]
HARMONICS: Final = 12
STEP_HZ: Final = (1.0, 2.5)
"""Where the frequency of steps is looked for: slow stairs to a brisk walk."""
STEP_BAND: Final = 0.35
"""Half width of the band that the phase is read from, relative to the step frequency."""
SPECTRUM: Final = 8192
SHIFTS_RAD: Final = np.linspace(-0.9, 0.9, 31)
STRETCH: Final = 40
"""Samples, somewhat less than a stride, for which the phase is corrected as one."""
MINIMUM_BOUT_S: Final = 5.0
EDGE_S: Final = 0.6
"""Cut off at both ends of a bout: people are still, or again, under way there."""
SWAY_HZ: Final = 0.4
RAYLEIGH_MEDIAN: Final = math.sqrt(2 * math.log(2))
"""Of the length of a vector with two normal components of variance 1: gravity keeps its length as it sways."""
MOTION_HZ: Final = 0.7
"""Below: sway at rest, the rotation of gravity in a turn; above: noise and motion."""
NOISE_ORDER: Final = 4
SECOND: Final = 50
"""Samples over which the strength of noise is judged."""
DIGITS: Final = 4
DECIMALS: Final = 5


def write_people(data: Path, out: Path) -> None:
    """Estimate people from HAPT's training volunteers and write them, one a line. Raises InputError."""
    data_set = open_data_set(data)
    if not isinstance(data_set, Hapt):
        raise InputError(f"{data}: people are estimated from HAPT's raw recordings, this is UCI HAR")
    people = estimate_people(data_set.recordings(Selection("train")))
    lines = ",\n".join(msgspec.json.encode(person).decode() for person in people.people)
    out.write_text(f'{{"format":{people.format},"rate_hz":{people.rate_hz},"people":[\n{lines}\n]}}\n', "utf-8")


def estimate_people(recordings: Iterable[Recording]) -> People:
    """Return a person for each volunteer with a recording that shows all activities and transitions.

    Raises InputError where nobody is left.
    """
    whole = [recording for recording in recordings if _shows_everything(recording)]
    if not whole:
        raise InputError("no recording shows all activities and postural transitions")
    usual = np.median([_gravity(recording) for recording in whole], axis=0)
    chosen: dict[int, Recording] = {}
    for recording in sorted(whole, key=lambda one: _oddness(one, usual), reverse=True):
        chosen[recording.subject] = recording
    people = (_person(recording) for _, recording in sorted(chosen.items()))
    return People(1, whole[0].rate_hz, tuple(people))


def _shows_everything(recording: Recording) -> bool:
    bouts = all(_bouts(recording, activity) for activity in ACTIVITIES)
    return bouts and {CODE_BY_NAME[name] for name in TRANSITIONS} <= {span.code for span in recording.spans}


def _bouts(recording: Recording, activity: str) -> list[Array]:
    """Return what an activity's longer spans hold between their edges, each (n, 6)."""
    edge = round(EDGE_S * recording.rate_hz)
    spans = (span for span in recording.spans if span.code == CODE_BY_NAME[activity])
    long = (span for span in spans if span.stop - span.start >= MINIMUM_BOUT_S * recording.rate_hz)
    return [recording.values[span.start + edge : span.stop - edge].astype(np.float64) for span in long]


def _gravity(recording: Recording) -> Array:
    """Return unit vectors (5, 3) along gravity in each activity off the bed: people lie on either side."""
    means = np.array([np.concatenate(_bouts(recording, name))[:, :3].mean(axis=0) for name in OFF_BED])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))


def _oddness(recording: Recording, usual: Array) -> float:
    """Return how far gravity is from usual (5, 3): the least cosine, negative."""
    return -float((_gravity(recording) * usual).sum(axis=1).min())


def _person(recording: Recording) -> Person:
    rate_hz = recording.rate_hz
    return Person(
        subject=recording.subject,
        postures={name: _posture(_bouts(recording, name), rate_hz) for name in POSTURES},
        gaits={name: _gait(_bouts(recording, name), rate_hz) for name in GAITS},
        turns={name: _turn(recording, name) for name in TRANSITIONS},
    )


def _posture(bouts: Sequence[Array], rate_hz: float) -> Posture:
    slow = [_slow(bout, SWAY_HZ, rate_hz) for bout in bouts]
    noise = [bout - drift for bout, drift in zip(bouts, slow, strict=True)]
    strength = [_log_strength(one) for one in noise]
    typical = float(np.concatenate(strength).mean())
    even = [one / np.exp(by - typical)[:, np.newaxis] for one, by in zip(noise, strength, strict=True)]
    return Posture(
        # The median: who turns over in bed does not lie between both sides.
        gravity_g=tuple(cast(Vector, _rounded(np.median(bout[:, :3], axis=0))) for bout in bouts),
        sway_rad=_round(min(map(_sway_rad, slow))),
        unrest=_round(float(np.concatenate(strength).std())),
        noise=_noise(even),
    )


def _sway_rad(slow: Array) -> float:
    """Return the standard deviation of gravity's direction, an axis, whatever single shifts there were."""
    usual_g = np.median(slow[:, :3], axis=0)
    distance_g = np.linalg.norm(slow[:, :3] - usual_g, axis=1)
    return float(np.median(distance_g) / RAYLEIGH_MEDIAN / np.linalg.norm(usual_g))


def _slow(values: Array, cutoff_hz: float, rate_hz: float) -> Array:
    """Return what stays below a frequency, without delay."""
    low_pass = butter(2, cutoff_hz, fs=rate_hz, output="sos")
    return np.asarray(sosfiltfilt(low_pass, values, axis=0))


def _log_strength(noise: Array) -> Array:
    """Return the logarithm of the strength of noise (n, 6) over the second around each sample (n,)."""
    edges = np.arange(0, len(noise) - SECOND + 1, SECOND)
    seconds = [np.log(noise[at : at + SECOND].std(axis=0)).mean() for at in edges]
    return np.asarray(np.interp(np.arange(len(noise)), edges + SECOND / 2, seconds))


def _noise(parts: Sequence[Array]) -> Noise:
    """Fit an autoregression to each channel by the Yule-Walker equations."""
    samples = sum(map(len, parts))
    memory, innovation = [], []
    for channel in range(parts[0].shape[1]):
        signals = [part[:, channel] - part[:, channel].mean() for part in parts]
        lags = [sum(float(x[lag:] @ x[: len(x) - lag]) for x in signals) / samples for lag in range(NOISE_ORDER + 1)]
        weights = solve_toeplitz(lags[:-1], lags[1:])
        memory.append(_rounded(weights))
        innovation.append(math.sqrt(max(0.0, lags[0] - weights @ np.array(lags[1:]))))
    return Noise(cast(Rows, tuple(memory)), cast(Six, _rounded(np.array(innovation))))


def _gait(bouts: Sequence[Array], rate_hz: float) -> Gait:
    step_hz = _step_hz(bouts, rate_hz)
    rough = _aligned([_stride_phase(bout, step_hz, rate_hz) for bout in bouts], bouts)
    phases = _refined(rough, bouts)
    design = [_harmonics(phase) for phase in phases]
    series = _fitted(design, bouts)
    rest = [bout - one @ series for bout, one in zip(bouts, design, strict=True)]
    tempo = np.concatenate([_tempo(phase, rate_hz) for phase in phases])
    return Gait(
        stride_hz=_round(float(tempo.mean())),
        stride_spread=_round(float(tempo.std() / tempo.mean())),
        strength_spread=_round(_strength_spread(bouts, design, series, round(rate_hz / tempo.mean()))),
        mean=cast(Six, _rounded(series[0])),
        cycle=cast(Rows, tuple(map(_rounded, series[1:].T))),
        noise=_noise(rest),
    )


def _step_hz(bouts: Sequence[Array], rate_hz: float) -> float:
    """Return the frequency at which the body goes up and down most."""
    frequencies_hz = np.fft.rfftfreq(SPECTRUM, 1 / rate_hz)
    powers = [np.abs(np.fft.rfft(_vertical(bout) * np.hanning(len(bout)), SPECTRUM)) ** 2 for bout in bouts]
    likely = (frequencies_hz >= STEP_HZ[0]) & (frequencies_hz <= STEP_HZ[1])
    return float(frequencies_hz[likely][np.sum(powers, axis=0)[likely].argmax()])


def _vertical(bout: Array) -> Array:
    """Return the acceleration (n,) along gravity, without gravity."""
    mean_g = bout[:, :3].mean(axis=0)
    return np.asarray((bout[:, :3] - mean_g) @ mean_g / np.linalg.norm(mean_g))


def _stride_phase(bout: Array, step_hz: float, rate_hz: float) -> Array:
    """Return the place in the stride (n,) in rad, growing: half that in the step, by the analytic signal."""
    edges_hz = (step_hz * (1 - STEP_BAND), step_hz * (1 + STEP_BAND))
    band = butter(2, edges_hz, btype="bandpass", fs=rate_hz, output="sos")
    return np.asarray(np.unwrap(np.angle(hilbert(sosfiltfilt(band, _vertical(bout)))))) / 2


def _aligned(phases: Sequence[Array], bouts: Sequence[Array]) -> list[Array]:
    """Let every bout begin its stride with the same foot: a step is half a stride, either half may come first."""
    series = _fitted([_harmonics(phases[0])], bouts[:1])
    return [
        min((phase, phase + math.pi), key=lambda one: float(_misfit(one, bout, series).sum()))
        for phase, bout in zip(phases, bouts, strict=True)
    ]


def _refined(phases: Sequence[Array], bouts: Sequence[Array]) -> list[Array]:
    """Shift the phase, stretch by stretch, to where the mean cycle fits best."""
    series = _fitted([_harmonics(phase) for phase in phases], bouts)
    return [phase + _best_shift(phase, bout, series) for phase, bout in zip(phases, bouts, strict=True)]


def _best_shift(phase: Array, bout: Array, series: Array) -> Array:
    """Return the shift (n,) in rad at which the cycle fits best within STRETCH samples around."""
    misfits = np.array([_misfit(phase + shift, bout, series) for shift in SHIFTS_RAD])
    running = np.concatenate([np.zeros((len(SHIFTS_RAD), 1)), misfits.cumsum(axis=1)], axis=1)
    starts = np.arange(0, len(bout) - STRETCH + 1, STRETCH // 2)
    best = SHIFTS_RAD[(running[:, starts + STRETCH] - running[:, starts]).argmin(axis=0)]
    return np.asarray(np.interp(np.arange(len(bout)), starts + STRETCH / 2, best))


def _fitted(design: Sequence[Array], bouts: Sequence[Array]) -> Array:
    """Return the Fourier series (1 + 2 HARMONICS, 6) nearest to the bouts."""
    series, *_ = np.linalg.lstsq(np.concatenate(design), np.concatenate(bouts), rcond=None)
    return np.asarray(series)


def _misfit(phase: Array, bout: Array, series: Array) -> Array:
    """Return by how much a bout misses its cycle (n,), every channel counting alike."""
    return np.asarray((((_harmonics(phase) @ series - bout) / bout.std(axis=0)) ** 2).sum(axis=1))


def _harmonics(phase: Array) -> Array:
    """Return (n, 1 + 2 HARMONICS): one, then cosine and sine of each harmonic of a phase (n,)."""
    turns = np.outer(phase, np.arange(1, HARMONICS + 1))
    waves = np.stack([np.cos(turns), np.sin(turns)], axis=-1).reshape(len(phase), -1)
    return np.concatenate([np.ones((len(phase), 1)), waves], axis=1)


def _tempo(phase: Array, rate_hz: float) -> Array:
    """Return the stride frequency (m,) in Hz, measured over a second from each sample on."""
    return (phase[SECOND:] - phase[:-SECOND]) / (2 * math.pi * SECOND) * rate_hz


def _strength_spread(bouts: Sequence[Array], design: Sequence[Array], series: Array, stride: int) -> float:
    """Return by how much, relatively, the cycle's amplitude differs from stride to stride."""
    strengths = []
    for bout, one in zip(bouts, design, strict=True):
        model, seen = one[:, 1:] @ series[1:], bout - series[0]
        model, seen = model / seen.std(axis=0), seen / seen.std(axis=0)
        for at in range(0, len(bout) - stride + 1, stride):
            part = slice(at, at + stride)
            strengths.append(float((model[part] * seen[part]).sum() / (model[part] ** 2).sum()))
    return float(np.std(strengths))


def _turn(recording: Recording, name: str) -> Turn:
    spans = [span for span in recording.spans if span.code == CODE_BY_NAME[name]]
    durations_s = [(span.stop - span.start) / recording.rate_hz for span in spans]
    moving = [recording.values[span.start : span.stop].astype(np.float64) for span in spans]
    motion = [(one - _slow(one, MOTION_HZ, recording.rate_hz))[len(one) // 4 : -len(one) // 4] for one in moving]
    return Turn(_round(float(np.median(durations_s))), cast(Six, _rounded(np.concatenate(motion).std(axis=0))))


def _rounded(row: NDArray[Any]) -> Row:
    return tuple(_round(float(number)) for number in row)


def _round(number: float) -> float:
    """Keep few digits: the file is read by people and compared line by line."""
    return round(float(f"{number:.{DIGITS}g}"), DECIMALS)
