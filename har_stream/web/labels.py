"""/api/labels: what people say that they really do, read and written.

GET    what stands for each device that was labelled
POST   {"device": D, "activity": A}, null for none: takes it
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

from har_stream.annotations import Annotation, Annotations, NotRecordedError, UnknownDeviceError
from har_stream.errors import ConfigError, HarStreamError
from har_stream.web.answers import Page, json_page

STATUSES: Final = {
    ConfigError: HTTPStatus.BAD_REQUEST,
    UnknownDeviceError: HTTPStatus.NOT_FOUND,
    NotRecordedError: HTTPStatus.CONFLICT,
}


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted."""

    device: str
    activity: str | None


def read(annotations: Annotations) -> Page:
    """Return what stands."""
    return json_page(HTTPStatus.OK, standing(annotations))


def write(annotations: Annotations, body: bytes) -> Page:
    """Take what is said; returns what stands then, or what is wrong with it."""
    try:
        said = msgspec.json.decode(body, type=Said)
        annotations.say(said.device, said.activity)
    except msgspec.MsgspecError as error:
        return _fault(HTTPStatus.BAD_REQUEST, f"expected {{device, activity}}: {error}")
    except HarStreamError as error:
        return _fault(STATUSES[type(error)], str(error))
    return read(annotations)


def standing(annotations: Annotations) -> dict[str, Any]:
    """Return whether something is recorded, why not, and what stands for each device, ready for JSON."""
    why = annotations.refusal
    labels = [_label(device, one) for device, one in annotations.standing().items()]
    return {"recording": not why, "reason": why, "labels": labels}


def _label(device: str, one: Annotation) -> dict[str, Any]:
    seconds = {activity: round(seconds) for activity, seconds in one.seconds.items()}
    return {"device": device, "activity": one.activity, "seconds": seconds}


def _fault(status: HTTPStatus, why: str) -> Page:
    return json_page(status, {"error": why})
