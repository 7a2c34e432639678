"""What several tests share: where the data sets lie, and small ones made on the spot."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.broker import Broker, persistent
from tests.small_uci import write_small_uci

DATA_VARIABLE = "HAR_STREAM_DATA"
DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"

# Shells start what runs in the background deaf to Ctrl-C, and every process under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# nohup starts what it runs deaf to SIGHUP, by which configurations are read again.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Neither how long an example takes nor how long its making does: the machine may be busy.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", UNHURRIED, derandomize=True, max_examples=500)
settings.register_profile("nightly", UNHURRIED, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def _data_file(name: str) -> Path:
    path = Path(os.environ.get(DATA_VARIABLE, DEFAULT_DATA)) / name
    if not path.is_file():
        pytest.skip(f"{path} is not there; set {DATA_VARIABLE} to the folder that holds {name}")
    return path


@pytest.fixture(scope="session")
def hapt_zip() -> Path:
    """HAPT's raw recordings of the 21 training volunteers."""
    return _data_file("HAPT-train.zip")


@pytest.fixture(scope="session")
def uci_zip() -> Path:
    """Windows of six of them in UCI HAR's layout."""
    return _data_file("UCI-HAR-layout.zip")


@pytest.fixture(scope="session")
def small_uci(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A UCI HAR folder of 60 windows of two volunteers in each part; tests only read it."""
    return write_small_uci(tmp_path_factory.mktemp("uci"))


@pytest.fixture
def away_broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto that does not run yet."""
    one = Broker(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def broker(away_broker: Broker) -> Broker:
    """A running Mosquitto."""
    away_broker.start()
    return away_broker


@pytest.fixture
def lasting_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that keeps sessions over its death, and nothing that was retained since they were saved."""
    one = Broker(tmp_path, *persistent(tmp_path))
    one.start()
    yield one
    one.stop()
