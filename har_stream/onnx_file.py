"""Looks through the bytes of an ONNX model for what lies outside of them, before ONNX Runtime parses any.

A tensor of a model may name another file that holds its values: no checksum covers that file, and its place may be any
that the process can read. The models that are served here hold all of their weights themselves.
Source: onnx.proto3 of ONNX 1.16 (field numbers), Protocol Buffers' encoding (wire types).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

INSIDE: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Which messages hold which others, by field number, as far as there are tensors in them."""
EXTERNAL_DATA: Final = 13
DATA_LOCATION: Final = 14
"""Fields of a tensor: where its values lie, and that they lie elsewhere."""
DEEPEST: Final = 64
"""Messages within one another; branches and loops of real models nest a few graphs."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_LENGTH: Final = {FIXED64: 8, FIXED32: 4}
LONGEST_VARINT: Final = 10
LARGEST_TAG: Final = (1 << 32) - 1
"""Parsers cut a tag off there, and would see another field than we do."""


class OnnxError(ValueError):
    """Bytes that are no ONNX model, or one that is not whole in itself."""


def check_whole(data: bytes) -> None:
    """Raise OnnxError where a model's bytes are not all that it needs."""
    _check(memoryview(data), "model", 0)


def _check(data: memoryview, message: str, depth: int) -> None:
    if depth > DEEPEST:
        raise OnnxError("its graphs lie too deep in one another")
    for field, value in _fields(data):
        if message == "tensor" and (field == EXTERNAL_DATA or (field == DATA_LOCATION and value != 0)):
            raise OnnxError("its weights lie in another file (external data), which no checksum covers")
        inner = INSIDE[message].get(field)
        if inner is not None and isinstance(value, memoryview):
            _check(value, inner, depth + 1)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of each field of a message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag > LARGEST_TAG:
            raise OnnxError("not an ONNX model")
        wire_type = tag & 7
        if wire_type == VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if wire_type == BYTES:
            length, at = _varint(data, at)
        elif wire_type in FIXED_LENGTH:
            length = FIXED_LENGTH[wire_type]
        else:
            raise OnnxError("not an ONNX model")
        if at + length > len(data):
            raise OnnxError("not an ONNX model: it is cut short")
        yield tag >> 3, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it."""
    value = 0
    for shift in range(LONGEST_VARINT):
        if at + shift >= len(data):
            raise OnnxError("not an ONNX model: it is cut short")
        byte = data[at + shift]
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return value, at + shift + 1
    raise OnnxError("not an ONNX model")
