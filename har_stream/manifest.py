"""The manifest of a model: everything that must be equal in training and serving stands here, and only here.

har_stream/models/<name>/ holds model.onnx (and model.keras for the TensorFlow engine), manifest.json and the
model card README.md. The weights are parsed only after their SHA-256 matched the manifest's, and the very bytes that
were checked. Who made a model's folder need not be trusted, but for its .keras file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from har_stream.activities import TRANSITIONS, WALKING
from har_stream.bounded_file import read_bounded
from har_stream.errors import ConfigError, nearest

MODELS = Path(__file__).parent / "models"
MANIFEST = "manifest.json"

CHANNELS = (
    *(f"body_acc_{axis}" for axis in "xyz"),
    *(f"body_gyro_{axis}" for axis in "xyz"),
    *(f"total_acc_{axis}" for axis in "xyz"),
)
"""UCI HAR's channels in UCI HAR's order; accelerations in g, angular rates in rad/s."""

Engine = Literal["onnx", "tensorflow"]
"""What computes a model: ONNX Runtime, or TensorFlow."""

InitialState = Literal["zero", "first-sample"]

MOST_MANIFEST_BYTES: Final = 1 << 20
MOST_WEIGHTS_BYTES: Final = 256 << 20
"""Of a file that is read at all; the shipped models have 12 kB and 0.4 MB."""

LONGEST_WINDOW_S: Final = 60.0
JUMP_TOLERANCE: Final = 0.01
"""What rounding may leave of a row of probabilities."""

Order = Annotated[int, msgspec.Meta(ge=1, le=16)]
Rate = Annotated[float, msgspec.Meta(ge=1, le=10_000)]
Cutoff = Annotated[float, msgspec.Meta(ge=1e-3, le=10_000)]
WindowSamples = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0.1, le=1e6)]
Windows = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Label = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
Prior = Annotated[float, msgspec.Meta(ge=1e-6, le=1)]
Offset = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
Scale = Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)]
Labels = Annotated[tuple[Label, ...], msgspec.Meta(min_length=1, max_length=64)]
Printable = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,255}\Z")]


class LowPass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Butterworth low-pass filter."""

    order: Order
    cutoff_hz: Cutoff


class Filters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The preprocessing chain, see har_stream.preprocessing."""

    median: Literal[3]
    noise: LowPass
    gravity: LowPass
    gyro_drift: LowPass
    initial_state: InitialState


class Framing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the filtered stream is cut into windows: sampling rate, window and hop in samples."""

    rate_hz: Rate
    window: WindowSamples
    hop: WindowSamples

    @property
    def length_s(self) -> float:
        """Time from a window's first sample to its last."""
        return (self.window - 1) / self.rate_hz


class Normalisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model sees (channel - offset) / scale, a value a channel."""

    offset: tuple[Offset, ...]
    scale: tuple[Scale, ...]


class Smoothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Constants of the hidden Markov model over the classifier's probabilities, see har_stream.smoothing.

    Its states are the manifest's outputs: the labels, then the transitions. dwell_s is the mean time in each,
    jump[i][j] the probability that j follows i; evidence weighs what a whole window says; prior is the share of each
    in what the network was trained on; below unknown_below the label in force is unknown.
    """

    dwell_s: tuple[Seconds, ...]
    jump: tuple[tuple[Share, ...], ...]
    prior: tuple[Prior, ...]
    evidence: Annotated[float, msgspec.Meta(gt=0, le=100)]
    unknown_below: Share


class UprightConstants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the upright reference is learned, see har_stream.upright.

    Two windows in a row whose probability of walking reaches sure_above are surely walking, and the second teaches;
    the reference holds from least_windows of them on, forgets over forget_windows, and begins anew where
    least_windows in a row point more than turned_over_deg elsewhere.
    """

    sure_above: Share
    least_windows: Windows
    forget_windows: Windows
    turned_over_deg: Annotated[float, msgspec.Meta(ge=0, le=180)]


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of weights beside the manifest, and the SHA-256 of its bytes."""

    file: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """manifest.json, whole.

    transitions are postural transitions that the network tells as well, after the labels. They are never published:
    they tell the smoother that a posture is being changed. The logits are divided by temperature before the softmax,
    so that a confidence is the share of answers that are right.
    """

    format: Literal[1]
    name: Printable
    architecture: Printable
    labels: Labels
    transitions: tuple[str, ...] = ()
    channels: tuple[str, ...]
    framing: Framing
    filters: Filters
    normalisation: Normalisation
    temperature: Annotated[float, msgspec.Meta(ge=1e-3, le=1e3)] = 1.0
    smoothing: Smoothing
    upright: UprightConstants | None = None
    weights: dict[Engine, Weights]
    training: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the network's outputs mean, in their order."""
        return self.labels + self.transitions


def installed_models() -> dict[str, Path]:
    """Return the folders of the models that came with this package, by their names."""
    return {path.parent.name: path.parent for path in sorted(MODELS.glob(f"*/{MANIFEST}"))}


def resolve(model: str) -> Path:
    """Return the folder of a model given by the name of an installed one or by its own path.

    Raises ConfigError where neither exists.
    """
    installed = installed_models()
    if model in installed:
        return installed[model]
    if os.path.isfile(Path(model) / MANIFEST):  # noqa: PTH113 - Path.is_file() raises OSError for a name too long
        return Path(model)
    raise ConfigError(f"unknown model {model!r}: no folder with a {MANIFEST}{nearest(model, installed)}")


def load_manifest(folder: Path) -> Manifest:
    """Read and check a manifest. Raises ConfigError on anything that is not one."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(read_bounded(path, MOST_MANIFEST_BYTES), type=Manifest)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a model manifest: {error}") from None
    _check(manifest, path)
    return manifest


def _check(manifest: Manifest, path: Path) -> None:
    """Hold the parts of a manifest against each other."""
    states, framing = len(manifest.outputs), manifest.framing
    smoothing, normalisation = manifest.smoothing, manifest.normalisation
    lengths = {
        "smoothing.dwell_s": (len(smoothing.dwell_s), states),
        "smoothing.prior": (len(smoothing.prior), states),
        "smoothing.jump": (len(smoothing.jump), states),
        "normalisation.offset": (len(normalisation.offset), len(manifest.channels)),
        "normalisation.scale": (len(normalisation.scale), len(manifest.channels)),
    }
    for key, (found, wanted) in lengths.items():
        if found != wanted:
            raise ConfigError(f"{path}: {key} has {found} values, {wanted} are needed")
    if any(len(row) != states for row in smoothing.jump):
        raise ConfigError(f"{path}: smoothing.jump is not {states} x {states}")
    if not set(manifest.transitions) <= set(TRANSITIONS):
        raise ConfigError(f"{path}: transitions are not among {', '.join(TRANSITIONS)}")
    if not set(manifest.channels) <= set(CHANNELS):
        raise ConfigError(f"{path}: channels are not among {', '.join(CHANNELS)}")
    if len(set(manifest.outputs)) < states:
        raise ConfigError(f"{path}: labels and transitions are not all different")
    if manifest.upright is not None and WALKING not in manifest.labels:
        raise ConfigError(f"{path}: upright needs the label {WALKING}")
    if framing.hop > framing.window or framing.length_s > LONGEST_WINDOW_S:
        raise ConfigError(f"{path}: framing needs hop <= window, and a window of at most {LONGEST_WINDOW_S:g} s")
    _check_numbers(manifest, path)


def _check_numbers(manifest: Manifest, path: Path) -> None:
    """Refuse numbers that no filter or smoother can work with."""
    nyquist_hz, filters = manifest.framing.rate_hz / 2, manifest.filters
    low_passes = {"noise": filters.noise, "gravity": filters.gravity, "gyro_drift": filters.gyro_drift}
    for key, low_pass in low_passes.items():
        if low_pass.cutoff_hz >= nyquist_hz:
            raise ConfigError(f"{path}: filters.{key} needs cutoff_hz < {nyquist_hz:g}")
    for row in manifest.smoothing.jump:
        if abs(sum(row) - 1) > JUMP_TOLERANCE:
            raise ConfigError(f"{path}: smoothing.jump has a row that does not add up to 1")


def read_weights(folder: Path, weights: Weights) -> bytes:
    """Return the bytes of a file of weights. Raises ConfigError unless their SHA-256 is the manifest's."""
    path = folder / weights.file
    if Path(weights.file).name != weights.file or "\0" in weights.file:
        raise ConfigError(f"{folder / MANIFEST}: weights must lie beside the manifest, not at {weights.file!r}")
    try:
        data = read_bounded(path, MOST_WEIGHTS_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        raise ConfigError(f"{path}: SHA-256 differs from the manifest's: the file is damaged or not this model's")
    return data
