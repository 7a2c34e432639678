"""The activities of UCI HAR and the postural transitions of HAPT, by the codes that those data sets give them.

Codes 1 to 6 are the activities that a model tells apart, 7 to 12 the transitions between postures; 0 stands for
a sample that carries no label. Names are the data sets' own in lower case, fit for topics and metrics.
"""

from __future__ import annotations

from typing import Final

UNLABELLED: Final = 0
UNKNOWN: Final = "unknown"
WALKING: Final = "walking"

ACTIVITIES: Final = (
    WALKING,
    "walking_upstairs",
    "walking_downstairs",
    "sitting",
    "standing",
    "laying",
)
MOVING: Final = frozenset(ACTIVITIES[:3])
RESTING: Final = frozenset(ACTIVITIES[3:])
"""What the body does in one place."""
TRANSITIONS: Final = (
    "stand_to_sit",
    "sit_to_stand",
    "sit_to_lie",
    "lie_to_sit",
    "stand_to_lie",
    "lie_to_stand",
)
NAME_BY_CODE: Final = (None, *ACTIVITIES, *TRANSITIONS)
CODE_BY_NAME: Final = {name: code for code, name in enumerate(NAME_BY_CODE) if name is not None}
