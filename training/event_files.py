"""Training figures as TensorBoard reads them: a folder a fit, in it an event file of scalars.

tf.summary.scalar needs the tensorboard package; the file is plain TFRecords of Event messages, which TensorFlow
writes alone.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from training.fit import Epoch, import_keras

FILE_VERSION: Final = "brain.Event:2"


class EventFile:
    """A new event file in a folder, which is made. Each epoch is written through at once. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        import_keras()
        import tensorflow as tf  # noqa: PLC0415 - Keras' import has set it up

        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._tf: Any = tf
        self._writer: Any = tf.io.TFRecordWriter(str(folder / name))
        self._write(file_version=FILE_VERSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.close()

    def write(self, epoch: Epoch) -> None:
        """Write an epoch's loss, accuracies and learning rate, the epoch's number as their step."""
        scalars = {
            "loss": epoch.loss,
            "accuracy": epoch.accuracy,
            "learning_rate": epoch.learning_rate,
            "held_out_accuracy": epoch.held_out_accuracy,
        }
        kind = self._tf.compat.v1.Summary
        values = [kind.Value(tag=tag, simple_value=value) for tag, value in scalars.items() if value is not None]
        self._write(step=epoch.number, summary=kind(value=values))

    def _write(self, **fields: Any) -> None:
        event = self._tf.compat.v1.Event(wall_time=time.time(), **fields)
        self._writer.write(event.SerializeToString())
        self._writer.flush()
