"""A mail server on this machine: speaks enough of SMTP (RFC 5321) to take messages, or refuse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """What was sent to it. `refuses` is said to every recipient, empty for taking them."""

    port: int = 0
    refuses: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What `MUNIMENT_SMTP_URL` says of it."""
        return f"smtp+plain://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it quits."""
        writer.write(b"220 mail.test ready\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                await self._take(reader)
            elif word == b"RCPT":
                self.recipients.append(line.decode().partition("<")[2].partition(">")[0])
                if self.refuses:
                    writer.write(self.refuses.encode() + b"\r\n")
                    continue
            elif word == b"QUIT":
                break
            writer.write(b"250 ok\r\n")
        writer.write(b"221 bye\r\n")
        writer.close()

    async def _take(self, reader: asyncio.StreamReader) -> None:
        lines: list[bytes] = []
        while (line := await reader.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.messages.append(message_from_bytes(b"".join(lines), policy=policy.default))


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A server that listens while the context is open."""
    server = MailServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
