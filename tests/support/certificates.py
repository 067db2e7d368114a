"""A small certificate authority for tests: station and masters, good ones and all kinds of wrong ones."""

import datetime as dt
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge_service.fieldbus.tls import ROLE_OID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path


def trusting(authority: Path, pair: Pair | None) -> ssl.SSLContext:
    """Return what a master needs that trusts the authority in that file and shows ``pair``."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(authority))
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


class Authority:
    """Signs what a test asks for; everything lies in ``folder``."""

    def __init__(self, folder: Path, name: str = "plant") -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        built = self._builder(self._subject, self._key).add_extension(basic, critical=True)
        self.file = folder / f"{name}-ca.pem"
        self._write(self.file, built.sign(self._key, hashes.SHA256()))

    def station(self) -> Pair:
        """Return a certificate for 127.0.0.1."""
        return self.issue("station", usage=ExtendedKeyUsageOID.SERVER_AUTH)

    def issue(
        self,
        name: str,
        role: str | None = None,
        *,
        role_der: bytes | None = None,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        expired: bool = False,
    ) -> Pair:
        """Return a certificate and its key; ``role_der`` puts any bytes into the role extension."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = self._builder(subject, key, expired=expired)
        built = built.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        built = built.add_extension(address, critical=False)
        if role is not None:
            role_der = bytes((0x0C, len(role.encode()))) + role.encode()
        if role_der is not None:
            built = built.add_extension(x509.UnrecognizedExtension(ROLE_OID, role_der), critical=False)
        pair = Pair(self._folder / f"{self._name}-{name}.pem", self._folder / f"{self._name}-{name}.key")
        self._write(pair.certificate, built.sign(self._key, hashes.SHA256()))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return pair

    def context(self, pair: Pair | None) -> ssl.SSLContext:
        """Return what a master needs that trusts this authority and shows ``pair``."""
        return trusting(self.file, pair)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        begin, end = (now - 3 * _DAY, now - _DAY) if expired else (now - _DAY, now + _DAY)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )

    def _write(self, path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
