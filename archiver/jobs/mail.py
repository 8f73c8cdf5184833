"""Telling by mail: plain text, counts and a link, through the server that the settings name."""

import asyncio
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from archiver.clock import Clock, from_millis
from archiver.config import Settings
from archiver.errors import ConfigurationError, NotFound, PeerUnavailable
from archiver.jobs.notices import Notice

_TIMEOUT_S = 15.0
_ATOMS = r"[^\s.()<>\[\]@,;:\\\"]+"
_MAILABLE = re.compile(rf"(?!.*=\?){_ATOMS}(\.{_ATOMS})*@{_ATOMS}(\.{_ATOMS})*")
"""Addresses that mean themselves: no comment, literal or encoded word (RFC 5322, RFC 2047).

What is none of these a reader of headers takes for another address, or falls over it.
"""

_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A submission server. `smtp` upgrades with STARTTLS and insists, `smtps` begins with TLS.

    `smtp+plain` encrypts nothing and is for a relay on this machine.
    """

    scheme: str
    host: str
    port: int
    user: str
    secret_file: Path | None = field(repr=False)
    sender: str

    @classmethod
    def of(cls, settings: Settings) -> "MailServer | None":
        """Return the server that the settings name, None where they name none.

        Raises:
            ConfigurationError: they do not say who mail comes from.
        """
        if not settings.smtp_url:
            return None
        if not parseaddr(settings.mail_from)[1]:
            raise ConfigurationError(
                "MUNIMENT_MAIL_FROM: expected the address mail comes from, beside MUNIMENT_SMTP_URL"
            )
        url = urlsplit(settings.smtp_url)
        return cls(
            scheme=url.scheme,
            host=url.hostname or "",
            port=url.port or _PORTS[url.scheme],
            user=settings.smtp_user,
            secret_file=settings.smtp_secret_file,
            sender=settings.mail_from,
        )

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand a message over for one recipient; it is the server's when this returns.

        Raises:
            PeerUnavailable: it did not take it.
        """
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self._secret())
                server.send_message(message, to_addrs=[recipient])
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise PeerUnavailable(
                f"the mail server {self.host} did not take the message: {error}; see "
                "MUNIMENT_SMTP_URL. It is tried again"
            ) from error

    def _connected(self) -> smtplib.SMTP:
        if self.scheme == "smtps":
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
            )
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        if self.scheme == "smtp":
            try:
                server.starttls(context=ssl.create_default_context())
            except (smtplib.SMTPException, OSError):
                server.close()
                raise
        return server

    def _secret(self) -> str:
        return "" if self.secret_file is None else self.secret_file.read_text("utf-8").strip()


class Mail:
    """Sends notices as messages."""

    def __init__(self, *, server: MailServer, clock: Clock, archive: str) -> None:
        self._server = server
        self._clock = clock
        self._archive = archive

    async def send(self, notice: Notice) -> None:
        """Tell it; return when the server has taken it.

        Raises:
            PeerUnavailable: it did not; to be tried again.
            NotFound: the address is none that mail can be sent to.
        """
        recipient = notice.subscription.target
        if not _MAILABLE.fullmatch(recipient):
            raise NotFound(f"{recipient} is no address that mail is sent to; have it corrected")
        message = self.message(notice)
        await asyncio.to_thread(self._server.send, message, recipient)

    def message(self, notice: Notice) -> EmailMessage:
        """Return the message of a notice: the same id at each attempt."""
        delivery, saved = notice.delivery, notice.saved
        hits = f"{delivery.hits:,} new {'hit' if delivery.hits == 1 else 'hits'}"
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = notice.subscription.target
        message["Subject"] = f"{hits}: {' '.join(saved.name.split())}"
        message["Date"] = format_datetime(self._clock())
        domain = parseaddr(self._server.sender)[1].rpartition("@")[2]
        message["Message-ID"] = f"<{delivery.id}@{domain or 'muniment.invalid'}>"
        message["Auto-Submitted"] = "auto-generated"
        found = from_millis(delivery.created_at).strftime("%Y-%m-%d %H:%M UTC")
        message.set_content(
            f"The saved search “{saved.name}” (version {delivery.version}) has {hits}, counted at "
            f"{found} within what you may see.\n\n"
            + (f"Look at them: {notice.link}\n\n" if notice.link else "")
            + f"You subscribed to it in the archive {self._archive}. To be told no more, end the "
            "subscription on the page of the saved search.\n"
        )
        return message
