"""Modbus/TCP Security: TLS with certificates on both sides, and a role in the master's certificate.

After "MODBUS/TCP Security Protocol Specification" (modbus.org, MB-TCP-Security-v21): port 802, TLS 1.2 or
newer, mutual authentication; the role is a UTF8String in the extension 1.3.6.1.4.1.50316.802.1, and a
request that the role does not allow gets exception 01. No session is resumed: every connection shows its
certificate anew. The TLS engine works on bytes in memory, so a record may come cut up in any way.
"""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from edge_service.errors import ConfigurationError
from edge_service.fieldbus.channel import Access, ChannelError
from edge_service.language import say

ROLE_OID = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
_UTF8_STRING = 0x0C
_LONG_LENGTH = 0x80
_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files, and which role may do what; a role that is in neither list may do nothing."""

    certificate: Path
    key: Path
    client_ca: Path
    write_roles: frozenset[str] = frozenset({"operator", "engineer"})
    read_roles: frozenset[str] = frozenset({"observer"})
    without_role: Access = Access.NOTHING

    def access_of(self, role: str | None) -> Access:
        """Return what a master with that role may do; None: its certificate names none."""
        if role is None:
            return self.without_role
        if role in self.write_roles:
            return Access.WRITE
        return Access.READ if role in self.read_roles else Access.NOTHING


class TlsDoor:
    """Makes a channel for each connection. Raises ConfigurationError for files that do not do."""

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._context = _context(settings)

    def channel(self) -> "TlsChannel":
        """Return the channel of a new connection."""
        return TlsChannel(self._context, self._settings)


class TlsChannel:
    """One connection's TLS, server side."""

    def __init__(self, context: ssl.SSLContext, settings: TlsSettings) -> None:
        self._settings = settings
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.established = False
        self.access = Access.NOTHING
        self.who = ""

    def receive(self, data: bytes) -> bytes:
        """Go on with the handshake, or decrypt. Raises ChannelError when the other end will not do."""
        self._incoming.write(data)
        plain = bytearray()
        try:
            if not self.established:
                self._tls.do_handshake()
                self._meet()
            while piece := self._tls.read(_PIECE):
                plain += piece
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        except ssl.SSLError as error:
            raise ChannelError(error.reason or str(error)) from error
        return bytes(plain)

    def send(self, plain: bytes) -> bytes:
        """Encrypt."""
        with suppress(ssl.SSLError):  # the other end said farewell: nothing can be told to it any more
            if plain:
                self._tls.write(plain)
        return self._outgoing.read()

    def _meet(self) -> None:
        self.established = True
        shown = self._tls.getpeercert(binary_form=True)
        assert shown is not None, "the context asks for a certificate"
        try:
            certificate = x509.load_der_x509_certificate(shown)
            role = role_of(certificate)
        except ValueError:
            self.who = "unreadable role"
            return
        self.access = self._settings.access_of(role)
        self.who = f"{certificate.subject.rfc4514_string()} role={role or '-'}"


def role_of(certificate: x509.Certificate) -> str | None:
    """Return the role in a certificate, None when it names none. Raises ValueError for one ill-formed."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ROLE_OID).value
    except x509.ExtensionNotFound:
        return None
    assert isinstance(extension, x509.UnrecognizedExtension), "the library does not know this one"
    der = extension.value
    if len(der) < 2 or der[0] != _UTF8_STRING or der[1] >= _LONG_LENGTH or len(der) != 2 + der[1]:  # noqa: PLR2004
        raise ValueError("the role is no UTF8String of at most 127 bytes")
    return der[2:].decode("utf-8")


def _context(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    except (OSError, ValueError) as error:
        files = f"{settings.certificate}, {settings.key}"
        raise _unusable(files, error) from error
    try:
        context.load_verify_locations(settings.client_ca)
    except (OSError, ValueError) as error:
        raise _unusable(str(settings.client_ca), error) from error
    return context


def _no_password() -> str:
    raise ValueError(say("the key is encrypted", "私钥已加密"))


def _unusable(files: str, error: Exception) -> ConfigurationError:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return ConfigurationError(
        say(f"Modbus TLS cannot use {files}: {reason}", f"Modbus TLS 无法使用 {files}：{reason}"),
        remedy=say(
            "certificate and key must be PEM files that belong together, the key unencrypted and readable "
            "for this process (docs/how-to/modbus-tls.md makes them)",
            "证书与私钥须为配套的 PEM 文件，私钥不加密且本进程可读（制作方法见 docs/how-to/modbus-tls.md）",
        ),
    )
