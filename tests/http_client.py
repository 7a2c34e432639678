"""Asks a daemon over HTTP as Prometheus or an orchestrator would."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.broker import wait_for

PATIENCE_S = 30.0

Key = tuple[str, frozenset[tuple[str, str]]]


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Return status and body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def serves(port: int) -> bool:
    try:
        return ask(port, "/healthz")[0] == 200
    except OSError:
        return False


def wait_to_serve(port: int) -> None:
    wait_for(lambda: serves(port))


def readiness(port: int) -> tuple[int, dict[str, Any]]:
    status, body = ask(port, "/readyz")
    return status, json.loads(body)


def health(port: int) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ask(port, "/healthz")[1])
    return told


class Metrics:
    """What /metrics told, by name and labels."""

    def __init__(self, text: bytes) -> None:
        self.values: dict[Key, float] = {}
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.values, "a series is told twice"
                self.values[key] = sample.value

    def get(self, name: str, /, **labels: str) -> float:
        return self.values[f"har_stream_{name}", frozenset(labels.items())]

    def count(self, name: str, /, **labels: str) -> float:
        """A counter that may not have begun yet."""
        return self.values.get((f"har_stream_{name}", frozenset(labels.items())), 0.0)

    def facts(self, name: str) -> dict[str, str]:
        (labels,) = [labels for found, labels in self.values if found == f"har_stream_{name}"]
        return dict(labels)

    def total(self, name: str) -> float:
        return sum(value for (found, _), value in self.values.items() if found == f"har_stream_{name}")


def metrics(port: int) -> Metrics:
    status, body = ask(port, "/metrics")
    assert status == 200
    return Metrics(body)
