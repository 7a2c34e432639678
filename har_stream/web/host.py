"""Whom a request is meant for. A page of a stranger must not read what this machine alone may.

A browser asks any name that resolves to 127.0.0.1 as if it belonged to the page that asked (DNS rebinding); the Host
header tells. So who listens on loopback answers to loopback's names alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from har_stream.web.address import Address

SHAPE: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
OWN_NAME: Final = "localhost"


def meant_for_us(hosts: Iterable[str], address: Address) -> bool:
    """Tell whether all Host headers of a request name the address; one without any comes from no browser."""
    return not address.loopback or all(_is_loopback(host.strip(), address) for host in hosts)


def _is_loopback(host: str, address: Address) -> bool:
    match = SHAPE.fullmatch(host)
    if match is None:
        return False
    name = match["name"].strip("[]").lower()
    if name in (OWN_NAME, address.host.lower()) or name.endswith(f".{OWN_NAME}"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
