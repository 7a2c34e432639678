"""python -m har_stream."""

import sys

from har_stream.cli import main

sys.exit(main())
