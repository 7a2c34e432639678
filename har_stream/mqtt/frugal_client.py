"""paho-mqtt's client without what it spends on every packet of the kinds that come and go by the thousand.

It reads a packet in three or four pieces, and makes an object of all lawful properties for each message and each
acknowledgement, also where there are none, which costs ten times what the rest does. Here plain ones are taken from
the bytes that have come, as many as there are, and sent with those that go out; whatever is not plain is left to
paho-mqtt (2.x; what is used of it here is not public), and tests hold both ways against each other.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from har_stream.mqtt.packets import (
    LONGEST_PAYLOAD,
    LONGEST_TOPIC,
    NUMBER_BYTES,
    TAKEN,
    PlainMessage,
    plain_packets,
    qos_1_packet,
)
from har_stream.mqtt.wire import Wire

SUCCESS: Final = ReasonCode(PacketTypes.PUBACK)
NONE: Final = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]  # as paho-mqtt has it


class Handed:
    """A message that was handed over under a number, and whether the broker has taken it."""

    __slots__ = ("_taken", "mid")

    def __init__(self, mid: int) -> None:
        self.mid, self._taken = mid, False

    def is_published(self) -> bool:
        """Tell whether the broker has taken it."""
        return self._taken

    def take(self) -> None:
        """Note that the broker has taken it."""
        self._taken = True


class FrugalClient(Client):
    """Has a Wire as its socket."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._handed: dict[int, Handed] = {}
        self._v5 = self._protocol == MQTTProtocolVersion.MQTTv5

    def take(self) -> list[PlainMessage]:
        """Return the plain messages among the packets that the wire holds, and note plain acknowledgements.

        It ends before the first packet that is neither or is not whole: that one is for loop_read().
        """
        link: Any = self._sock
        if link is None or self._in_packet["command"]:
            return []
        plain = plain_packets(*link.front, v5=self._v5)
        link.skip_to(plain.end)
        for mid in plain.acknowledged:
            self._acknowledge(mid)
        return plain.messages

    def hand_over(self, topic: bytes, payload: bytes, *, retain: bool) -> Handed | None:
        """Send a message with QoS 1 over a wire that gathers; None where it is for publish() to do, or to refuse."""
        link: Any = self._sock
        lawful = 0 < len(topic) <= LONGEST_TOPIC and b"+" not in topic and b"#" not in topic
        if link is None or not link.gathers or self._out_packet or not lawful or len(payload) > LONGEST_PAYLOAD:
            return None
        handed = Handed(self._mid_generate())
        self._handed[handed.mid] = handed
        link.send(qos_1_packet(topic, payload, handed.mid, retain=retain, v5=self._v5))
        return handed

    def _create_socket(self) -> Any:
        return Wire(super()._create_socket())  # type: ignore[arg-type]

    def _acknowledge(self, mid: int) -> MQTTErrorCode:
        """Note that the broker has taken a message, whichever way it went."""
        handed = self._handed.pop(mid, None)
        if handed is not None:
            handed.take()
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        with self._out_message_mutex:
            if mid in self._out_messages:
                return self._do_on_publish(mid, SUCCESS, NONE)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = bytes(self._in_packet["packet"])
        mid = int.from_bytes(packet[:NUMBER_BYTES])
        if cmd == "PUBACK" and len(packet) >= NUMBER_BYTES and packet[NUMBER_BYTES:] in TAKEN[self._v5]:
            return self._acknowledge(mid)
        handed = self._handed.pop(mid, None)
        if handed is None:
            return super()._handle_pubackcomp(cmd)
        # As if it had been published there, for paho-mqtt to tell what became of it.
        message = MQTTMessage(mid)
        message.qos = 1
        self._out_messages[mid] = message
        self._inflight_messages += 1
        answer = super()._handle_pubackcomp(cmd)
        if message.info.is_published():
            handed.take()
        return answer
