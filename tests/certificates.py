"""A certificate authority and a server's certificate, made by openssl for a test."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authority:
    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.pem"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key"

    def issue(self, host: str) -> tuple[str, ...]:
        """Issue a certificate for a host, such as IP:127.0.0.1 or DNS:localhost; return Mosquitto's lines for it."""
        key, request, signed = (self.folder / f"server.{kind}" for kind in ("key", "csr", "pem"))
        extensions = self.folder / "san.ext"
        extensions.write_text(f"subjectAltName={host}\n", "utf-8")
        _openssl("req", "-new", *_new_key(key), "-subj", "/CN=server", "-out", str(request))
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key)),
            *("-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out", str(signed)),
        )
        return ("allow_anonymous true", f"certfile {signed}", f"keyfile {key}")


def authority(folder: Path, name: str = "ca") -> Authority:
    made = Authority(folder, name)
    _openssl("req", "-x509", *_new_key(made.key), "-subj", f"/CN={name}", "-days", "2", "-out", str(made.certificate))
    return made


def _new_key(path: Path) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path))


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
