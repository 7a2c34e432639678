"""A simulated person performs a script: samples with truth, continuous from one activity to the next.

Each posture and gait gives where gravity points and what moves besides; a turn fades from one to the next while
gravity rotates on the great circle in minimum-jerk time. The gyroscope shows every rotation of gravity. Pure
synthesis: the same generator gives the same samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol, cast

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from har_stream.activities import CODE_BY_NAME, UNLABELLED
from har_stream.samples import SENSOR_AXES, Codes, Samples
from har_stream.sources.autoregression import Autoregression
from har_stream.sources.people import Gait, Noise, Person, Posture, Rows, Turn

Array = NDArray[np.float64]

RATE_HZ: Final = 50.0
STEMS: Final = {"sitting": "sit", "standing": "stand", "laying": "lie"}
UPRIGHT: Final = "stand"
"""What a gait counts as where postures change: who walks and sits down turns as from standing."""

STEP_TURN: Final = Turn(duration_s=1.0, motion=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
"""Between gaits, and between standing and a gait."""
TURN_SPREAD: Final = 0.15
MINIMUM_TURN: Final = 25
"""Samples: nobody turns faster."""
BUSTLE_S: Final = 0.1
"""How fast what moves besides gravity changes in a turn."""
SMALLEST_ANGLE: Final = 1e-6
STRIDE_WANDER_S: Final = 1.5
SWAY_WANDER_S: Final = 1.5
UNREST_WANDER_S: Final = 0.7
LARGEST_UNREST: Final = 2.0
"""Standard deviations of unrest: beyond, its exponential would be no fidgeting but a fit."""
GRAVITY_SPREAD_G: Final = 0.02
"""How far a posture taken again is from those recorded, a standard deviation an axis."""
TEMPO_SPREAD: Final = 0.02
VIGOUR_SPREAD: Final = 0.04
TILT_SPREAD_RAD: Final = math.radians(1.5)
PIECE_S: Final = (2.0, 8.0)
"""How much is synthesised at once; drawn, so that many people do not come to it in the same tick."""


class Step(NamedTuple):
    """An activity and how long it is held."""

    activity: str
    duration_s: float


class Bout(Protocol):
    """One time of holding a posture or walking."""

    activity: str

    def take(self, samples: int) -> tuple[Array, Array]:
        """Return where gravity points (n, 3) in g and what moves besides (n, 6) in g and rad/s."""


class Rest:
    """Keeping still, as far as people do."""

    def __init__(self, activity: str, posture: Posture, generator: np.random.Generator) -> None:
        self.activity = activity
        recorded = posture.gravity_g[generator.integers(len(posture.gravity_g))]
        self._gravity_g = recorded + GRAVITY_SPREAD_G * generator.standard_normal(3)
        self._posture = posture
        self._sway = Autoregression.wander(SWAY_WANDER_S, 3, generator, rate_hz=RATE_HZ)
        self._unrest = Autoregression.wander(UNREST_WANDER_S, 1, generator, rate_hz=RATE_HZ)
        self._noise = _noise(posture.noise, generator)

    def take(self, samples: int) -> tuple[Array, Array]:
        """Return gravity (n, 3) and motion (n, 6)."""
        length_g = np.linalg.norm(self._gravity_g)
        swaying = self._gravity_g + length_g * self._posture.sway_rad * self._sway.take(samples)
        gravity_g = swaying * length_g / np.linalg.norm(swaying, axis=1, keepdims=True)
        unrest = np.clip(self._unrest.take(samples), -LARGEST_UNREST, LARGEST_UNREST)
        strength = np.exp(self._posture.unrest * unrest)
        return gravity_g, strength * self._noise.take(samples)


class Walk:
    """Walking, on the level or on stairs; phase is the place in the stride, in radians."""

    def __init__(self, activity: str, gait: Gait, phase: float, generator: np.random.Generator) -> None:
        self.activity = activity
        self._gait = gait
        self._cycle = np.array(gait.cycle).T
        self._mean = np.array(gait.mean)
        self._wander = Autoregression.wander(STRIDE_WANDER_S, 2, generator, rate_hz=RATE_HZ)
        self._noise = _noise(gait.noise, generator)
        self.phase = phase

    def take(self, samples: int) -> tuple[Array, Array]:
        """Return gravity (n, 3) and motion (n, 6)."""
        gait = self._gait
        tempo, strength = 1 + self._wander.take(samples).T * [[gait.stride_spread], [gait.strength_spread]]
        phase = self.phase + np.cumsum(2 * math.pi * gait.stride_hz / RATE_HZ * tempo)
        self.phase = float(phase[-1]) % (2 * math.pi)
        harmonics = np.repeat(np.exp(1j * phase)[:, np.newaxis], len(self._cycle) // 2, axis=1).cumprod(axis=1)
        motion = strength[:, np.newaxis] * (harmonics.view(np.float64) @ self._cycle) + self._noise.take(samples)
        motion[:, 3:] += self._mean[3:]
        return np.broadcast_to(self._mean[:3], (samples, 3)), motion


def _noise(noise: Noise, generator: np.random.Generator) -> Autoregression:
    return Autoregression(noise.memory, noise.innovation, generator)


def individual(person: Person, generator: np.random.Generator) -> Person:
    """Return someone like a volunteer, with a tempo and a vigour of their own."""
    tempo, vigour = 1 + generator.standard_normal(2) * (TEMPO_SPREAD, VIGOUR_SPREAD)

    def own(gait: Gait) -> Gait:
        cycle = cast(Rows, tuple(map(tuple, (vigour * np.array(gait.cycle)).tolist())))
        return replace(gait, stride_hz=gait.stride_hz * float(tempo), cycle=cycle)

    return replace(person, gaits={name: own(gait) for name, gait in person.gaits.items()})


class SimulatedPerson:
    """Someone like `person`, whose phone sits a little differently; performs one script."""

    def __init__(self, person: Person, generator: np.random.Generator) -> None:
        self._person = individual(person, generator)
        self._tilt = rotation(TILT_SPREAD_RAD * generator.standard_normal(3)).T
        self._generator = generator
        self._phase = float(generator.uniform(0, 2 * math.pi))
        self._last_g = np.empty((0, 3))

    def perform(self, script: Iterable[Step]) -> Iterator[tuple[Samples, Codes]]:
        """Yield segments of samples (n, 6) in g and rad/s at RATE_HZ, with truth (n,).

        Activities last as long as the script says; turns between them come on top.
        """
        bout: Bout | None = None
        for step in script:
            if bout is None or bout.activity != step.activity:
                leaving, bout = bout, self._bout(step.activity)
                if leaving:
                    yield self._turn(leaving, bout)
            for samples in self._pieces(step.duration_s):
                yield self._segment(*bout.take(samples), CODE_BY_NAME[step.activity])
            self._phase = bout.phase if isinstance(bout, Walk) else self._phase

    def _bout(self, activity: str) -> Bout:
        if activity in self._person.gaits:
            return Walk(activity, self._person.gaits[activity], self._phase, self._generator)
        return Rest(activity, self._person.postures[activity], self._generator)

    def _pieces(self, duration_s: float) -> Iterator[int]:
        left = max(1, round(duration_s * RATE_HZ))
        while left:
            piece = min(left, round(RATE_HZ * self._generator.uniform(*PIECE_S)))
            left -= piece
            yield piece

    def _turn(self, leaving: Bout, coming: Bout) -> tuple[Samples, Codes]:
        """Fade from one bout to the next."""
        kind = f"{STEMS.get(leaving.activity, UPRIGHT)}_to_{STEMS.get(coming.activity, UPRIGHT)}"
        turn = self._person.turns.get(kind, STEP_TURN)
        duration_s = turn.duration_s * math.exp(TURN_SPREAD * self._generator.standard_normal())
        samples = max(MINIMUM_TURN, round(duration_s * RATE_HZ))
        time = (np.arange(samples)[:, np.newaxis] + 0.5) / samples
        done = time**3 * (10 - 15 * time + 6 * time**2)
        (old_g, old), (new_g, new) = leaving.take(samples), coming.take(samples)
        bustle = Autoregression.wander(BUSTLE_S, SENSOR_AXES, self._generator, rate_hz=RATE_HZ).take(samples)
        bustle *= np.sin(math.pi * time) ** 2 * turn.motion
        known = leaving.activity in STEMS and coming.activity in STEMS
        code = CODE_BY_NAME[kind] if known else UNLABELLED
        return self._segment(_great_circle(old_g, new_g, done), (1 - done) * old + done * new + bustle, code)

    def _segment(self, gravity_g: Array, motion: Array, code: int) -> tuple[Samples, Codes]:
        """Add what the gyroscope sees of gravity's rotation, and look at it all through the tilted phone."""
        track_g = np.concatenate([self._last_g if len(self._last_g) else gravity_g[:1], gravity_g])
        self._last_g = gravity_g[-1:]
        values = motion.copy()
        values[:, :3] += gravity_g
        values[:, 3:] += _angular_rate(track_g)
        tilted = values.reshape(-1, 2, 3) @ self._tilt
        return tilted.reshape(-1, SENSOR_AXES).astype(np.float32), np.full(len(values), code, np.uint8)


def rotation(vector: Array) -> Array:
    """Return the matrix (3, 3) that turns by a rotation vector (3,), not 0, in radians (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / angle
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + math.sin(angle) * across + (1 - math.cos(angle)) * (across @ across))


def _great_circle(old: Array, new: Array, done: Array) -> Array:
    """Return vectors (n, 3) that lie between old and new (n, 3) as far as done (n, 1) says."""
    old_length, new_length = (np.linalg.norm(one, axis=1, keepdims=True) for one in (old, new))
    cosine = (old * new).sum(axis=1, keepdims=True) / (old_length * new_length)
    angle = np.maximum(np.arccos(np.clip(cosine, -1, 1)), SMALLEST_ANGLE)
    direction = np.sin((1 - done) * angle) * old / old_length + np.sin(done * angle) * new / new_length
    return np.asarray(((1 - done) * old_length + done * new_length) * direction / np.sin(angle))


def _angular_rate(track: Array) -> Array:
    """Return the phone's angular rate (n, 3) in rad/s while gravity goes along track (n + 1, 3) in its axes.

    What is fixed in the world turns against the phone: hence the order of the product.
    """
    unit = track / np.linalg.norm(track, axis=1, keepdims=True)
    return np.asarray(np.cross(unit[1:], unit[:-1])) * RATE_HZ
