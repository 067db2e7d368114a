"""The server's own certificate and key: made at the first start, kept in ``own/``.

The certificate names the application (``urn:okng:STATION``) and the box's host names and addresses. It is
made anew only when it is missing; whoever has trusted it need not do so again after an update. A plant that
has an authority of its own puts its files there instead.
"""

import contextlib
import fcntl
import socket
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge_service.durable import LocalDisk
from edge_service.errors import ConfigurationError
from edge_service.gateway.opcua.peers import load_certificate
from edge_service.language import say

_BITS = 2048  # what every policy on offer and every PLC takes
_YEARS = 20
_SIOCGIFADDR = 0x8915  # netdevice(7)


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Certificate and private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    path: Path


def application_uri(station: str) -> str:
    """Return the URI that names this server, on whatever box it runs."""
    return f"urn:okng:{station}"


def own_certificate(folder: Path, station: str, names: tuple[str, ...] = ()) -> OwnCertificate:
    """Return the certificate in ``folder``, made now where there is none. Raises ConfigurationError."""
    path, key_path = folder / "own" / "certificate.der", folder / "own" / "key.pem"
    if not path.exists() or not key_path.exists():
        _make(path, key_path, station, names)
    try:
        key: Any = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            say(f"{key_path} is no private key: {error}", f"{key_path} 不是私钥：{error}"),
            remedy=say(
                f"remove {path.parent} to have both made anew; clients must trust the new one then",
                f"删除 {path.parent} 可重新生成；客户端需重新信任",
            ),
        ) from error
    certificate = load_certificate(path)
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigurationError(
            say(f"{path} and {key_path} do not belong together", f"{path} 与 {key_path} 不匹配")
        )
    return OwnCertificate(certificate, key, path)


def _make(path: Path, key_path: Path, station: str, names: tuple[str, ...]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"okng {station}"[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "okng"),
        ]
    )
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName(_alternative_names(station, names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    disk = LocalDisk()
    disk.write(key_path, pem, mode=0o600)
    disk.write(path, certificate.public_bytes(serialization.Encoding.DER))


def _alternative_names(station: str, names: tuple[str, ...]) -> list[x509.GeneralName]:
    wanted = dict.fromkeys((*names, socket.gethostname(), "localhost", "127.0.0.1", *_own_addresses()))
    return [
        x509.UniformResourceIdentifier(application_uri(station)),
        *(_general_name(name) for name in wanted if name),
    ]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _own_addresses() -> tuple[str, ...]:
    """Return the IPv4 addresses of this box's network ports: asked of the kernel, of nobody else."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, port in socket.if_nameindex():
            request = struct.pack("256s", port.encode()[:15])
            with contextlib.suppress(OSError):  # a port without an address
                found.append(socket.inet_ntoa(fcntl.ioctl(probe, _SIOCGIFADDR, request)[20:24]))
    return tuple(found)
