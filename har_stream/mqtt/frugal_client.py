"""paho-mqtt's client without what it spends on every packet of the two kinds that come by the thousand.

It makes an object of all lawful properties for each message and each acknowledgement, also where there are none, which
costs more than all the rest. The methods here are paho-mqtt's own (2.x), private ones; whatever is not plain is left to
them, and tests hold both ways against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from har_stream.mqtt.wire import Wire

QOS_BITS, RETAIN_BIT = 0x06, 0x01
TOPIC_AT, ACKNOWLEDGED_AT = 2, 2
"""Where the topic of a message begins, and where the number of the message in an acknowledgement ends."""
TAKEN_V3: Final = (b"",)
TAKEN_V5: Final = (b"", b"\x00", b"\x10")
"""How a broker that took a message ends its acknowledgement: without a word, as success, as one nobody listens to."""

SUCCESS: Final = ReasonCode(PacketTypes.PUBACK)
NONE: Final = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]  # as paho-mqtt has it

OnPlain = Callable[[bytes, bytes, bool], None]


class FrugalClient(Client):
    """Reads its socket in large pieces, and gives topic, payload and `retained` of plain messages to on_plain."""

    on_plain: OnPlain | None = None

    def _create_socket(self) -> Any:
        return Wire(super()._create_socket())  # type: ignore[arg-type]

    def _handle_publish(self) -> MQTTErrorCode:
        command, packet = self._in_packet["command"], self._in_packet["packet"]
        plain = plain_message(command, packet, v5=self._protocol == MQTTProtocolVersion.MQTTv5)
        if plain is None or self.on_plain is None:
            return super()._handle_publish()
        with self._in_callback_mutex:  # as paho-mqtt calls on_message
            self.on_plain(*plain, bool(command & RETAIN_BIT))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        packet = self._in_packet["packet"]
        taken = TAKEN_V5 if self._protocol == MQTTProtocolVersion.MQTTv5 else TAKEN_V3
        if cmd != "PUBACK" or len(packet) < ACKNOWLEDGED_AT or bytes(packet[ACKNOWLEDGED_AT:]) not in taken:
            return super()._handle_pubackcomp(cmd)
        mid = int.from_bytes(packet[:ACKNOWLEDGED_AT])
        with self._out_message_mutex:
            if mid in self._out_messages:
                return self._do_on_publish(mid, SUCCESS, NONE)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def plain_message(command: int, packet: bytearray, *, v5: bool) -> tuple[bytes, bytes] | None:
    """Return topic and payload of a PUBLISH with QoS 0 and no properties, None where it is another or a broken one."""
    end = TOPIC_AT + int.from_bytes(packet[:TOPIC_AT])
    if command & QOS_BITS or end == TOPIC_AT or len(packet) < end + v5 or (v5 and packet[end]):
        return None
    return bytes(packet[TOPIC_AT:end]), bytes(packet[end + v5 :])
