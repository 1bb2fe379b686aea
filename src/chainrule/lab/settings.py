"""How the lab is started, and what one session of it may use."""

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from chainrule.errors import InputError
from chainrule.io.checks import whole_number
from chainrule.io.decoding import MAX_JPEG_PIXELS


@dataclass(frozen=True)
class Quotas:
    """What a session may use: runs that go at the same time, runs kept, bytes of an upload, points,
    hidden units, iterations of a run, cells of a map, bytes on the disk, tabs; pictures in all, and
    bytes and pixels of one; the longer side of a picture that goes through a chain of blocks, and
    the numbers of all that comes out of its layers; epochs of a reader's training; whether a
    report may be a whole one."""

    live: int = 64
    runs: int = 10_000
    upload: int = 64 << 20
    points: int = 1_000_000
    hidden: int = 100_000
    iterations: int = 10**9
    cells: int = 1_000
    disk: int = 1 << 40
    tabs: int = 64
    pictures: int = 200_000
    picture: int = 256 << 20
    pixels: int = MAX_JPEG_PIXELS
    side: int = 512
    outputs: int = 24_000_000
    epochs: int = 1_000
    whole_reports: bool = True


ALONE = Quotas()
CLASS = Quotas(
    live=4, runs=200, upload=4 << 20, points=20_000, hidden=1_000, iterations=10**7,
    cells=64, disk=1 << 30, tabs=6, pictures=2_000, picture=16 << 20, pixels=50_000_000,
    side=256, outputs=4_000_000, epochs=20, whole_reports=False,
)  # fmt: skip


@dataclass(frozen=True)
class LabSettings:
    """port: 0 takes a free one. token: None draws one. host: beyond this machine only with a token.

    Raises InputError.
    """

    folder: Path
    port: int = 8765
    host: str = "127.0.0.1"
    token: str | None = None
    drawn: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def __post_init__(self) -> None:
        whole_number("--port", self.port, 0, 65_535)
        if self.token is not None and not _is_token(self.token):
            raise InputError(
                "--token: found one that is too short or has other characters; expected at least "
                "16 letters, digits, - or _"
            )
        if self.is_shared and self.token is None:
            raise InputError(
                f"--host: found {self.host}, which other machines can reach, and no token; "
                "expected a --token of at least 16 letters and digits with it"
            )

    @property
    def is_shared(self) -> bool:
        """Whether other machines can reach it: then every session has its own runs, and quotas."""
        if self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True

    @property
    def secret(self) -> str:
        """The token that opens the lab."""
        return self.token or self.drawn

    @property
    def secret_hash(self) -> str:
        """What the store keeps of the token."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @property
    def quotas(self) -> Quotas:
        """What a session may use."""
        return CLASS if self.is_shared else ALONE


def _is_token(text: str) -> bool:
    return len(text) >= 16 and text.isascii() and all(c.isalnum() or c in "-_" for c in text)
