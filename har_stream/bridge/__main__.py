"""python -m har_stream.bridge."""

import sys

from har_stream.bridge.cli import main

sys.exit(main())
