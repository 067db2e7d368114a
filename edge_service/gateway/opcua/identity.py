"""Who a client is, and what that lets it do.

Three kinds of proof: none (anonymous), a password, or a signature with a user certificate's key. A password
counts only where nobody can read or replay it; on an endpoint without security there are no users at all.
"""

import asyncio
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from cryptography import x509

from edge_service.gateway.opcua.peers import PeerRefusedError, Peers
from edge_service.gateway.opcua.users import Users
from edge_service.link import Role

log = structlog.get_logger()

_RANK = {Role.OBSERVER: 0, Role.OPERATOR: 1, Role.ENGINEER: 2}
_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
_OAEP_SHA256 = "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256"
_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_PSS_SHA256 = "http://opcfoundation.org/UA/security/rsa-pss-sha2-256"
_FAILED_S = 1.0  # a wrong password costs its sender so long
_LONGEST_PASSWORD = 256


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, or nobody in particular (name "")."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this user may do what ``role`` may."""
        return _RANK[self.role] >= _RANK[role]


NOBODY = Identity("", Role.OBSERVER)


class Gate:
    """Lets applications in by their certificates and users by their proof. Raises ServiceError."""

    def __init__(
        self,
        peers: Peers,
        users: Users,
        certificate: x509.Certificate,
        private_key: Any,
        *,
        anonymous: Role | None,
        allow_none: bool,
    ) -> None:
        self._peers, self._users = peers, users
        self._own = uacrypto.der_from_x509(certificate)
        self._key = private_key
        self._anonymous, self.allow_none = anonymous, allow_none
        self._one_at_a_time = asyncio.Semaphore(1)  # a hash takes 32 MiB and a core

    def token_types(self, mode: ua.MessageSecurityMode) -> frozenset[ua.UserTokenType]:
        """Return the kinds of proof that an endpoint offers."""
        kinds = {ua.UserTokenType.Anonymous} if self._anonymous else set()
        if mode != ua.MessageSecurityMode.None_:
            kinds |= {ua.UserTokenType.UserName, ua.UserTokenType.Certificate}
        return frozenset(kinds)

    def check_application(self, certificate: bytes, address: str) -> None:
        """Refuse a channel whose certificate is not trusted; the reason goes to the log alone."""
        try:
            self._peers.check(certificate, address)
        except PeerRefusedError as refusal:
            log.warning(
                "opcua_certificate_refused",
                reason=refusal.reason,
                fingerprint=refusal.fingerprint,
                subject=refusal.subject,
                client=address,
                remedy=refusal.remedy,
            )
            raise ServiceError(ua.StatusCodes.BadSecurityChecksFailed) from refusal

    def check_uri(self, certificate: bytes, uri: str | None) -> None:
        """Refuse an application that says another name than its certificate."""
        if not self._peers.names(certificate, uri or ""):
            log.warning("opcua_certificate_refused", reason="another application's", uri=uri)
            raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)

    async def identify(
        self, token: Any, signature: Any, nonce: bytes, mode: ua.MessageSecurityMode, address: str
    ) -> Identity:
        """Return who proves what the token says."""
        if isinstance(token, ua.ExtensionObject) and token.TypeId == ua.NodeId(ua.ObjectIds.Null):
            token = ua.AnonymousIdentityToken()
        secure = mode != ua.MessageSecurityMode.None_
        if isinstance(token, ua.AnonymousIdentityToken) and self._anonymous is not None:
            return Identity("", self._anonymous if secure or self.allow_none else Role.OBSERVER)
        if isinstance(token, ua.UserNameIdentityToken) and secure:
            return await self._by_password(token, nonce, mode, address)
        if isinstance(token, ua.X509IdentityToken) and secure:
            return self._by_certificate(token, signature, nonce, address)
        raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)

    async def _by_password(
        self, token: Any, nonce: bytes, mode: ua.MessageSecurityMode, address: str
    ) -> Identity:
        name = token.UserName or ""
        try:
            password = self._password(token, nonce, mode)
        except (ValueError, UnicodeDecodeError, struct.error) as error:
            raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid) from error
        async with self._one_at_a_time:
            role = await asyncio.to_thread(self._users.role_by_password, name, password)
        if role is None:
            log.warning("opcua_login_refused", user=name[:40], client=address)
            await asyncio.sleep(_FAILED_S)
            raise ServiceError(ua.StatusCodes.BadUserAccessDenied)
        log.info("opcua_login", user=name, role=role, client=address)
        return Identity(name, role)

    def _password(self, token: Any, nonce: bytes, mode: ua.MessageSecurityMode) -> str:
        secret, algorithm = token.Password or b"", token.EncryptionAlgorithm
        if not algorithm:
            if mode != ua.MessageSecurityMode.SignAndEncrypt:
                raise ValueError("a password in the clear")
        else:
            decrypt = {_OAEP: uacrypto.decrypt_rsa_oaep, _OAEP_SHA256: uacrypto.decrypt_rsa_oaep_sha256}
            if algorithm not in decrypt:
                raise ValueError(algorithm)
            plain = decrypt[algorithm](self._key, secret)
            (length,) = struct.unpack_from("<I", plain)
            whole = plain[4 : 4 + length]
            if length < len(nonce) or not hmac.compare_digest(whole[length - len(nonce) :], nonce):
                raise ValueError("an old password token")
            secret = whole[: length - len(nonce)]
        if len(secret) > _LONGEST_PASSWORD:
            raise ValueError("too long")
        return bytes(secret).decode("utf-8")

    def _by_certificate(self, token: Any, signature: Any, nonce: bytes, address: str) -> Identity:
        verify = {_SHA256: uacrypto.verify_sha256, _PSS_SHA256: uacrypto.verify_pss_sha256}
        try:
            certificate = uacrypto.x509_from_der(token.CertificateData)
            verify[signature.Algorithm](certificate, self._own + nonce, signature.Signature)
        except Exception as error:  # the library raises what it likes
            raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid) from error
        user = self._users.by_certificate(uacrypto.der_from_x509(certificate))
        now = datetime.now(UTC)
        in_time = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        if user is None or not in_time:
            log.warning(
                "opcua_login_refused", certificate=certificate.subject.rfc4514_string(), client=address
            )
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        log.info("opcua_login", user=user.name, role=user.role, client=address)
        return Identity(user.name, user.role)
