"""Whose programs may connect: certificates in ``trusted/``; ``rejected/`` keeps those that were refused.

A certificate is trusted when it lies in ``trusted/`` itself, or was issued by an authority whose certificate
lies there and no list in ``crl/`` revokes it. Files may be DER or PEM, whatever their names end with. The
folders are read again when they change::

    peers.check(certificate, "192.168.1.20")   # or PeerRefusedError, which says why
"""

import contextlib
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from edge_service.durable import Disk, LocalDisk
from edge_service.errors import ConfigurationError, OkngError
from edge_service.language import say

MOST_REJECTED = 20
_LEAST_BITS, _MOST_BITS = 2048, 4096
_LARGEST = 64 * 1024
_WEAK = (hashes.MD5, hashes.SHA1)


class PeerRefusedError(Exception):
    """A certificate is not let in: why, whose it is, and what to do."""

    def __init__(self, reason: str, certificate: x509.Certificate | None, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy
        self.subject = certificate.subject.rfc4514_string() if certificate else ""
        self.fingerprint = fingerprint(certificate) if certificate else ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A certificate in a folder."""

    path: Path
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return fingerprint(self.certificate)


class Peers:
    """The folders ``trusted``, ``rejected`` and ``crl``."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.trusted_dir, self.rejected_dir = folder / "trusted", folder / "rejected"
        self._crl_dir = folder / "crl"
        self._disk = disk or LocalDisk()
        self._stamp: tuple[tuple[str, int], ...] | None = None
        self._trusted: list[Peer] = []
        self._revoked: list[x509.CertificateRevocationList] = []

    def check(self, der: bytes, address: str) -> x509.Certificate:
        """Return the certificate of a program that may connect from ``address``. Raises PeerRefusedError."""
        certificate = _parsed(der)
        if not self._is_trusted(certificate):
            self._keep_rejected(certificate)
            command = f"okng-edge opcua trust {fingerprint(certificate)[:16]}"
            raise PeerRefusedError(
                "not trusted", certificate, say(f"if it is yours: {command}", f"如属可信：{command}")
            )
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise PeerRefusedError("expired, or not valid yet (check both clocks)", certificate)
        _check_strength(certificate)
        _check_usage(certificate)
        _check_host(certificate, address)
        return certificate

    def names(self, der: bytes, uri: str) -> bool:
        """Whether the certificate is the one of the application ``uri``."""
        try:
            names = _parsed(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, PeerRefusedError):
            return False
        return uri in names.get_values_for_type(x509.UniformResourceIdentifier)

    def trusted(self) -> list[Peer]:
        """Return what is trusted."""
        self._refresh()
        return list(self._trusted)

    def rejected(self) -> list[Peer]:
        """Return what was refused lately, the newest last."""
        return sorted(_read_folder(self.rejected_dir), key=lambda peer: peer.path.stat().st_mtime_ns)

    def trust(self, what: str) -> Peer:
        """Trust a certificate file, or a rejected certificate by the start of its fingerprint."""
        path = Path(what)
        found = [peer for peer in self.rejected() if peer.fingerprint.startswith(what.lower())]
        if path.is_file():
            certificate = load_certificate(path)
        elif len(found) == 1 and what:
            certificate = found[0].certificate
            found[0].path.unlink(missing_ok=True)
        else:
            raise ConfigurationError(
                say(
                    f"{what}: neither a file nor one rejected certificate",
                    f"{what}：既非文件也非唯一的被拒证书",
                ),
                remedy=say(
                    "see the fingerprints with: okng-edge opcua clients",
                    "用 okng-edge opcua clients 查看指纹",
                ),
            )
        place = self.trusted_dir / f"{fingerprint(certificate)}.der"
        self._disk.write(place, certificate.public_bytes(serialization.Encoding.DER))
        return Peer(place, certificate)

    def distrust(self, start: str) -> list[Peer]:
        """Remove what is trusted by the start of its fingerprint; return what was removed."""
        gone = [peer for peer in self.trusted() if start and peer.fingerprint.startswith(start.lower())]
        for peer in gone:
            peer.path.unlink(missing_ok=True)
        return gone

    def _is_trusted(self, certificate: x509.Certificate) -> bool:
        self._refresh()
        mine = fingerprint(certificate)
        if any(peer.fingerprint == mine for peer in self._trusted):
            return True
        issuer = next((p.certificate for p in self._trusted if _issued(certificate, p.certificate)), None)
        if issuer is None:
            return False
        revoked = any(
            crl.issuer == issuer.subject
            and crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
            for crl in self._revoked
        )
        if revoked:
            raise PeerRefusedError("revoked", certificate)
        return True

    def _refresh(self) -> None:
        stamp = _stamp(self.trusted_dir) + _stamp(self._crl_dir)
        if stamp != self._stamp:
            self._trusted = _read_folder(self.trusted_dir)
            self._revoked = _read_crls(self._crl_dir)
            self._stamp = stamp

    def _keep_rejected(self, certificate: x509.Certificate) -> None:
        """Keep it to choose from: the newest few; a full disk or folder is no reason to let anybody in."""
        place = self.rejected_dir / f"{fingerprint(certificate)}.der"
        with contextlib.suppress(OSError, OkngError):
            if place.exists():
                place.touch()
                return
            for old in self.rejected()[: -(MOST_REJECTED - 1)]:
                old.path.unlink(missing_ok=True)
            self._disk.write(place, certificate.public_bytes(serialization.Encoding.DER))


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate, hex."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def load_certificate(path: Path) -> x509.Certificate:
    """Read a certificate file, DER or PEM. Raises ConfigurationError."""
    try:
        data = path.read_bytes()
        is_pem = data.lstrip().startswith(b"-----BEGIN")
        return x509.load_pem_x509_certificate(data) if is_pem else x509.load_der_x509_certificate(data)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            say(f"{path} is no certificate: {error}", f"{path} 不是证书：{error}"),
            remedy=say(
                "give the client's application certificate as DER or PEM",
                "请提供客户端应用证书（DER 或 PEM）",
            ),
        ) from error


def _parsed(der: bytes) -> x509.Certificate:
    if not der or len(der) > _LARGEST:
        raise PeerRefusedError("no certificate, or one that is too large", None)
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise PeerRefusedError(f"unreadable: {error}", None) from error


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        is_authority = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    now = datetime.now(UTC)
    return is_authority and authority.not_valid_before_utc <= now <= authority.not_valid_after_utc


def _check_strength(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or not _LEAST_BITS <= key.key_size <= _MOST_BITS:
        raise PeerRefusedError(f"its key is not RSA of {_LEAST_BITS} to {_MOST_BITS} bits", certificate)
    if isinstance(certificate.signature_hash_algorithm, _WEAK):
        raise PeerRefusedError("signed with a hash that is broken", certificate)


def _check_usage(certificate: x509.Certificate) -> None:
    with contextlib.suppress(x509.ExtensionNotFound):
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature:
            raise PeerRefusedError("not made for signing", certificate)


def _check_host(certificate: x509.Certificate, address: str) -> None:
    """A certificate that names addresses and no host name is that of a program at one of them."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    addresses = names.get_values_for_type(x509.IPAddress)
    if not addresses or names.get_values_for_type(x509.DNSName):
        return
    if ip_address(address.partition("%")[0]) not in addresses:
        raise PeerRefusedError(
            f"it belongs to {', '.join(map(str, addresses))}, not to {address}", certificate
        )


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    try:
        return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in folder.iterdir()))
    except OSError:
        return ()


def _read_folder(folder: Path) -> list[Peer]:
    peers = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        with contextlib.suppress(ConfigurationError):  # a stray file is no reason to keep everybody out
            peers.append(Peer(path, load_certificate(path)))
    return peers


def _read_crls(folder: Path) -> list[x509.CertificateRevocationList]:
    lists = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        with contextlib.suppress(OSError, ValueError):
            data = path.read_bytes()
            is_pem = data.lstrip().startswith(b"-----BEGIN")
            lists.append(x509.load_pem_x509_crl(data) if is_pem else x509.load_der_x509_crl(data))
    return lists
