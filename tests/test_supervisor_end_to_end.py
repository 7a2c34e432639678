"""Several workers as a whole: the real processes, a real broker, and one that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from har_stream.bench.load import Load
from tests.broker import Broker, Listener, free_port, wait_for
from tests.http_client import get
from tests.prometheus import samples as parsed
from tests.stream_process import books, end, environment, run, running
