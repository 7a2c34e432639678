"""What an architecture is: a network to build, the channels that it takes, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from training.augmentation import Augmentation
from training.examples import Sampling


class Recipe(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an architecture is trained: AdamW, its learning rate falling along a half cosine."""

    epochs: int
    batch: int
    learning_rate: float
    clip_norm: float
    chosen: str
    """How these numbers were come by, for the model card."""
    learning_rate_at_end: float = 0.0
    averaged_epochs: int = 1
    """The weights are the mean of those after each of the last so many epochs.

    Source: P. Izmailov et al., Averaging weights leads to wider optima and better generalization, 2018,
    arXiv:1803.05407.
    """
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    sampling: Sampling | None = None
    """Windows from anywhere in the recordings, in place of UCI HAR's own, where there are recordings."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network to build (after Keras is imported), the channels that it takes, and its recipe."""

    build: Callable[[int, int, int], Any]
    """Takes window in samples, number of channels and number of labels; gives a Keras model."""
    channels: tuple[str, ...]
    recipe: Recipe
