"""Which MQTT broker, and how to get in: what mqtt://user@host:port and [mqtt] say of it.

Nothing goes to a broker on another machine without TLS unless mqtt.insecure allows it, least of all a password, which
never stands in a URI either. It comes from the first of these that has one: the environment, mqtt.password_file, and
the credential mqtt_password that systemd hands over in a folder of its own.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from har_stream.errors import ConfigError
from har_stream.settings import MQTT_PASSWORD, MqttSettings, TlsSettings
from har_stream.uri import Uri

PLAIN, TLS = "mqtt", "mqtts"
DEFAULT_PORTS: Final = {PLAIN: 1883, TLS: 8883}
LONGEST_TEXT: Final = 65535
"""Bytes of a text in MQTT."""
LONGEST_PREFIX: Final = 1024
"""Bytes of the topic prefix: what is put behind it has to fit too."""
DEFAULT_PREFIX: Final = "har"
WILDCARDS: Final = frozenset("+#")
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
CREDENTIAL: Final = "mqtt_password"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker's address and what it asks for; tls is None where the connection is plain."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    user: str | None
    password: str | None = field(repr=False)

    @property
    def name(self) -> str:
        """How it is named in the log."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{TLS if self.tls else PLAIN}://{host}:{self.port}"


def parse_broker(uri: Uri, settings: MqttSettings, environment: Mapping[str, str] = os.environ) -> Broker:
    """Return the broker that a URI names. Raises ConfigError that says what is wrong, and never a password."""
    authority = uri.rest.removeprefix("//").partition("/")[0]
    if ":" in authority.rpartition("@")[0]:
        raise ConfigError(
            f"{uri.text}: no password in a URI: it would stand in the process list; "
            f"set {MQTT_PASSWORD} or mqtt.password_file"
        )
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname, DEFAULT_PORTS[uri.scheme] if parts.port is None else parts.port
    except ValueError:
        raise ConfigError(f"{uri.text}: no host and port") from None
    if not uri.rest.startswith("//") or not host or not host.isprintable() or port == 0:
        raise ConfigError(f"{uri.text}: expected {uri.scheme}://host:port/topic")
    user = _text(unquote(parts.username, errors="surrogateescape"), f"{uri.text}: user") if parts.username else None
    password = _password(settings, environment)
    if password is not None and user is None:
        raise ConfigError(f"{uri.text}: a password needs a user name: {uri.scheme}://USER@{host}")
    if uri.scheme == PLAIN and not (_on_this_machine(host) or settings.insecure):
        what = "what it hears and says" if password is None else "the password"
        raise ConfigError(
            f"{uri.text}: {what} would be readable to all on the way: take {TLS}://, or set mqtt.insecure = true"
        )
    return Broker(host, port, _context(settings.tls) if uri.scheme == TLS else None, user, password)


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def topic_prefix(uri: Uri) -> str:
    """Return the topic prefix that a URI's path says, percent-escapes taken off. Raises ConfigError."""
    path = uri.rest.removeprefix("//").partition("/")[2]
    prefix = unquote(path, errors="surrogateescape").strip("/") or DEFAULT_PREFIX
    if uri.query or "#" in path:
        raise ConfigError(f"{uri.text}: expected {uri.scheme}://host:port/prefix")
    # What begins with $ is the broker's own.
    lawful = all(prefix.split("/")) and not WILDCARDS & set(prefix) and not prefix.startswith("$")
    if not lawful or not prefix.isprintable() or len(prefix.encode()) > LONGEST_PREFIX:
        raise ConfigError(f"{uri.text}: {prefix!r} is no lawful topic prefix")
    return prefix


def _context(tls: TlsSettings) -> ssl.SSLContext:
    """Return what checks the broker's certificate and host name, and shows it ours where we have one."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
    except ssl.SSLError:
        raise ConfigError(f"mqtt.tls.ca_file: {tls.ca_file}: holds no certificates (PEM)") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"mqtt.tls.ca_file: {tls.ca_file}: {_reason(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.key_file and not tls.cert_file:
        raise ConfigError("mqtt.tls.key_file: a key needs its certificate: set mqtt.tls.cert_file")
    if tls.cert_file:
        _show(context, tls)
    return context


def _show(context: ssl.SSLContext, tls: TlsSettings) -> None:
    """Have a client's certificate shown; the key may be in the same file."""
    for key, path in (("cert_file", tls.cert_file), ("key_file", tls.key_file)):
        try:
            Path(path or tls.cert_file).open("rb").close()
        except (OSError, ValueError) as error:
            raise ConfigError(f"mqtt.tls.{key}: {path}: {_reason(error)}") from None
    try:
        # Without a password, OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file or None, password="")
    except (ssl.SSLError, ValueError):
        where = f"mqtt.tls.cert_file: {tls.cert_file}"
        raise ConfigError(f"{where}: no certificate (PEM) with its own key, not encrypted") from None


def _password(settings: MqttSettings, environment: Mapping[str, str]) -> str | None:
    """Return the password, None where none is set; see the module for where it comes from."""
    given = environment.get(MQTT_PASSWORD)
    if given:
        return _text(given, MQTT_PASSWORD)
    if settings.password_file:
        where = f"mqtt.password_file: {settings.password_file}"
        password = _password_in(Path(settings.password_file), where)
        if password is None:
            raise ConfigError(f"{where}: is empty")
        return password
    credential = Path(environment.get(CREDENTIALS, ""), CREDENTIAL)
    if environment.get(CREDENTIALS) and credential.exists():
        return _password_in(credential, f"credential {CREDENTIAL}")
    return None


def _password_in(path: Path, where: str) -> str | None:
    """Return what a file holds without the end of its line, None where that is nothing."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                log.warning("%s: everybody on this machine can read it: chmod 600", where)
            text = file.read(LONGEST_TEXT + 2).decode(errors="surrogateescape")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: {_reason(error)}") from None
    password = text.removesuffix("\n").removesuffix("\r")
    return _text(password, where) if password else None


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _text(text: str, where: str) -> str:
    """Return a text that MQTT can carry. Raises ConfigError, without the text."""
    try:
        fits = len(text.encode()) <= LONGEST_TEXT and "\0" not in text
    except UnicodeEncodeError:
        raise ConfigError(f"{where}: not UTF-8 text") from None
    if not fits:
        raise ConfigError(f"{where}: longer than {LONGEST_TEXT} bytes, or with a zero in it")
    return text


def password_of(settings: MqttSettings, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the password that is set for brokers, None where none is. Raises ConfigError, without the password."""
    return _password(settings, environment)
