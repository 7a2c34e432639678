"""Who may come into the embedded broker: a plugin that amqtt loads by its name."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session


class Login(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no type information
    """Lets one user in, with a password."""

    @dataclass
    class Config:
        """What EmbeddedBroker gives."""

        user: str
        password: str

    async def authenticate(self, *, session: Session) -> bool:
        """Compare in a time that tells nothing."""
        given = f"{session.username or ''}\0{session.password or ''}"
        wanted = f"{self._get_config_option('user')}\0{self._get_config_option('password')}"
        return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
