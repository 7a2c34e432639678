"""The classifier: windows in batches -> probabilities, by ONNX Runtime or, if asked for, TensorFlow.

Both engines compute the logits of the same weights; what surrounds them (choice of channels, normalisation,
softmax) is the same code.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from har_stream.errors import ConfigError
from har_stream.manifest import CHANNELS, Engine, Manifest, Weights, read_weights
from har_stream.onnx_file import OnnxError, check_whole
from har_stream.samples import Samples

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, NodeArg

Logits = Callable[[NDArray[np.float32]], NDArray[np.float32]]

BATCH: Final = 64
"""Windows a call: larger batches fall out of the processor's caches and are slower."""

DISTRUST: Final = (
    "engine: tensorflow loads a .keras file, which can run code of whoever made it: give trust_keras = true "
    "(--trust-keras) if you trust who made {}"
)

log = logging.getLogger(__name__)


class Classifying(Protocol):
    """What the pipeline asks of a classifier."""

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        """Take windows (w, window, 9) in UCI HAR's channels, give the probability of each output (w, outputs)."""


class Classifier:
    """A model ready to classify. Raises ConfigError where its weights cannot be loaded."""

    def __init__(self, folder: Path, manifest: Manifest, *, engine: Engine = "onnx", trust_keras: bool = False) -> None:
        """Load the weights of one engine; TensorFlow's only where whoever made them is trusted (trust_keras)."""
        weights = manifest.weights.get(engine)
        if weights is None:
            raise ConfigError(f"model {manifest.name} has no weights for engine {engine}")
        if engine == "tensorflow" and not trust_keras:
            raise ConfigError(DISTRUST.format(folder))
        self._logits = ENGINES[engine](folder, weights)
        self._channels = [CHANNELS.index(channel) for channel in manifest.channels]
        self._all_channels = manifest.channels == CHANNELS
        self._normal = set(manifest.normalisation.offset) == {0.0} and set(manifest.normalisation.scale) == {1.0}
        self._offset = np.array(manifest.normalisation.offset, np.float32)
        self._scale = np.array(manifest.normalisation.scale, np.float32)
        self._temperature = np.array([manifest.temperature], np.float32)
        self._try_out(manifest)

    def _try_out(self, manifest: Manifest) -> None:
        """Classify a window of zeros: a network that takes or gives other shapes is told before the stream begins."""
        zeros = np.zeros((1, manifest.framing.window, len(CHANNELS)), np.float32)
        try:
            shape = self.probabilities(zeros).shape
        except Exception as error:  # noqa: BLE001 - the engines' errors share no base class but Exception
            raise ConfigError(
                f"model {manifest.name}: does not take its manifest's windows: {_first_line(error)}"
            ) from None
        wanted = len(manifest.outputs)
        if shape != (1, wanted):
            raise ConfigError(f"model {manifest.name}: gives {shape[1:]} numbers a window for {wanted} outputs")

    def probabilities(self, windows: Samples) -> NDArray[np.float32]:
        """Take windows (w, window, 9) in UCI HAR's channels, give the probability of each output (w, outputs)."""
        if len(windows) <= BATCH:
            return softmax(self._logits(self._prepared(windows)) / self._temperature)
        parts = [self._logits(self._prepared(windows[at : at + BATCH])) for at in range(0, len(windows), BATCH)]
        return softmax(np.concatenate(parts) / self._temperature)

    def _prepared(self, windows: Samples) -> Samples:
        """Return the channels that the model takes, normalised; a batch at a time, which stays in the caches."""
        if not self._all_channels:
            windows = windows[:, :, self._channels]
        return windows if self._normal else (windows - self._offset) / self._scale


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities (..., classes) of logits (..., classes)."""
    powers = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    np.exp(powers, out=powers)
    powers /= np.add.reduce(powers, axis=-1, keepdims=True)
    return powers


def _onnx_logits(folder: Path, weights: Weights) -> Logits:
    """Load the ONNX model into one session that computes on the calling thread."""
    # Since 1.29 its official builds tell their maker of each session, unless they are told not to before they load.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 - training and checks of a configuration do without it

    data = read_weights(folder, weights)
    try:
        check_whole(data)
    except OnnxError as error:
        raise ConfigError(f"{folder / weights.file}: {error}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.load_model_format", "ONNX")  # never its own format, told by the bytes
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (signal,), (logits,) = session.get_inputs(), session.get_outputs()
        single = SingleWindow(session) if _same_size(signal) and _same_size(logits) else None
    except Exception as error:  # noqa: BLE001 - its errors share no base class but Exception
        raise ConfigError(f"{folder / weights.file}: ONNX Runtime cannot load it: {_first_line(error)}") from None

    def run(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        if single is not None and windows.shape == single.shape:
            return single.run(windows)
        return np.asarray(session.run([logits.name], {signal.name: windows})[0], np.float32)

    return run


def _same_size(argument: NodeArg) -> bool:
    """Tell whether what a network takes or gives are floats, and always as many for a window."""
    return argument.type == "tensor(float)" and all(isinstance(size, int) for size in argument.shape[1:])


class SingleWindow(threading.local):
    """A session whose arrays for a single window are bound once and not at each call, for each thread anew.

    That is a tenth of what the call takes, and all that a lone device ever asks for.
    """

    def __init__(self, session: InferenceSession) -> None:
        from onnxruntime import OrtValue  # noqa: PLC0415 - as above

        (signal,), (logits,) = session.get_inputs(), session.get_outputs()
        self.shape = (1, *signal.shape[1:])
        self._window, self._logits = np.zeros(self.shape, np.float32), np.zeros((1, *logits.shape[1:]), np.float32)
        self._session, self._bound = session, session.io_binding()
        self._bound.bind_ortvalue_input(signal.name, OrtValue.ortvalue_from_numpy(self._window))
        self._bound.bind_ortvalue_output(logits.name, OrtValue.ortvalue_from_numpy(self._logits))

    def run(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take a window of that shape, give its logits (1, outputs), which hold until the next call."""
        np.copyto(self._window, window)
        self._session.run_with_iobinding(self._bound)
        return self._logits


def _tensorflow_logits(folder: Path, weights: Weights) -> Logits:
    """Load the Keras model and compile it by XLA; batches are padded to powers of 2 to bound the compilations."""
    data = read_weights(folder, weights)
    log.warning("%s: loaded as trust_keras says: such a file can run code", folder / weights.file)
    try:
        import keras  # noqa: PLC0415 - seconds and hundreds of MB, which only this engine pays
        import tensorflow as tf  # noqa: PLC0415
    except ImportError:
        raise ConfigError("engine tensorflow needs TensorFlow: pip install 'har-stream[train]'") from None
    with tempfile.TemporaryDirectory() as private:
        # What was checked is what is loaded, whoever replaces the file meanwhile; Keras takes nothing but a path.
        checked = Path(private) / "model.keras"
        checked.write_bytes(data)
        try:
            model = keras.models.load_model(checked, compile=False, safe_mode=True)
        except Exception as error:  # noqa: BLE001 - its errors share no base class but Exception
            raise ConfigError(f"{folder / weights.file}: Keras cannot load it: {_first_line(error)}") from None
    compiled = tf.function(lambda windows: model(windows, training=False), jit_compile=True)

    def run(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        padded = np.zeros((1 << (len(windows) - 1).bit_length(), *windows.shape[1:]), np.float32)
        padded[: len(windows)] = windows
        return np.asarray(compiled(padded), np.float32)[: len(windows)]

    return run


ENGINES: Final[dict[Engine, Callable[[Path, Weights], Logits]]] = {
    "onnx": _onnx_logits,
    "tensorflow": _tensorflow_logits,
}
