"""Letting a mail server have a message; it is told so often until it has taken it."""

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit

from rental.core.errors import Conflict

_SECONDS = 20
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class NoMailServer(Conflict):
    """No mail server was named to this installation."""

    code = "core.no_mail_server"


class Post(Protocol):
    """Takes messages. One sent twice has the same Message-ID, by which servers and readers know it."""

    def send(self, message: EmailMessage) -> None: ...


class NoPost:
    """For installations without a mail server."""

    def send(self, message: EmailMessage) -> None:
        raise NoMailServer


@dataclass(frozen=True, slots=True)
class SmtpPost:
    """A mail server: smtp://user:password@host:587 speaks TLS once connected, smtps:// from the beginning.

    On loopback no encryption is asked for.
    """

    url: str

    def send(self, message: EmailMessage) -> None:
        """Raises OSError (smtplib's errors are such) when the server does not take it."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        with kind(host, port, timeout=_SECONDS) as server:
            if parts.scheme == "smtp" and host not in _LOOPBACK:
                server.starttls()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
