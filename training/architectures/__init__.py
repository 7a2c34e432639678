"""The networks that can be trained, by name. Each takes windows (n, 128, channels) and gives logits (n, 6)."""

from __future__ import annotations

from typing import Final

from har_stream.errors import ConfigError, nearest
from training.architectures.architecture import Architecture, Recipe
from training.architectures.larnn import LARNN
from training.architectures.light_lstm import LIGHT_LSTM
from training.architectures.residual_bilstm import RESIDUAL_BILSTM
from training.architectures.seed_lstm import SEED_LSTM, SEED_LSTM_ACC
from training.architectures.sway_lstm import SWAY_LSTM

__all__ = ["ARCHITECTURES", "Architecture", "Recipe", "architecture"]

ARCHITECTURES: Final = {
    "seed-lstm": SEED_LSTM,
    "seed-lstm-acc": SEED_LSTM_ACC,
    "residual-bilstm": RESIDUAL_BILSTM,
    "larnn": LARNN,
    "sway-lstm": SWAY_LSTM,
    "light-lstm": LIGHT_LSTM,
}


def architecture(name: str) -> Architecture:
    """Return an architecture by name. Raises ConfigError where there is none of that name."""
    if name not in ARCHITECTURES:
        raise ConfigError(f"unknown architecture {name!r}{nearest(name, ARCHITECTURES)}")
    return ARCHITECTURES[name]
