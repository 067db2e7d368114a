"""What ``okng-edge doctor`` looks at of OPC UA: the station's own certificate and key. It changes nothing."""

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from edge_service.cli.checks import Finding, Level
from edge_service.config import EdgeConfig
from edge_service.errors import ConfigurationError
from edge_service.language import say

SUBJECT = "opcua certificate"
SOON = timedelta(days=60)
_OTHERS = 0o077


def certificate_findings(config: EdgeConfig, now: datetime | None = None) -> Iterator[Finding]:
    """Yield what is wrong with certificate and key, or one line that nothing is."""
    from edge_service.gateway.opcua.own_certificate import own_certificate

    folder = config.opcua_dir / "own"
    certificate_path, key_path = folder / "certificate.der", folder / "key.pem"
    there = [path.exists() for path in (certificate_path, key_path)]
    if not all(there):
        yield (
            _missing(folder)
            if any(there)
            else Finding("ok", SUBJECT, say("none yet: the first start makes it", "尚无：首次启动时生成"))
        )
        return
    if not os.access(key_path, os.R_OK):
        yield Finding(
            "warn",
            SUBJECT,
            say(f"{key_path} is closed to this user", f"本用户无法读取 {key_path}"),
            say("run doctor as the user that the station runs as", "请以运行工位的用户执行 doctor"),
        )
        return
    try:
        certificate = own_certificate(
            config.opcua_dir, config.station.id, config.gateway.opcua.names
        ).certificate
    except ConfigurationError as error:
        yield Finding("fail", SUBJECT, error.what, error.remedy)
        return
    faults = [
        *_open_key(key_path),
        *_time(certificate, now or datetime.now(UTC), folder),
        *_host(certificate),
    ]
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    yield from faults or [Finding("ok", SUBJECT, say(f"valid until {until}", f"有效期至 {until}"))]


def _missing(folder: Path) -> Finding:
    return Finding(
        "warn",
        SUBJECT,
        say(
            f"only one of certificate.der and key.pem is in {folder}",
            f"{folder} 中缺少 certificate.der 或 key.pem 之一",
        ),
        say(
            "put the other one back, or the next start makes both anew, and every client must trust anew",
            "请补回缺失的文件，否则下次启动会重新生成，客户端需重新信任",
        ),
    )


def _open_key(path: Path) -> Iterator[Finding]:
    if path.stat().st_mode & _OTHERS:
        yield Finding(
            "fail",
            SUBJECT,
            say(f"others may read the key {path}", f"其他用户可以读取私钥 {path}"),
            f"chmod 600 {path}",
        )


def _time(certificate: x509.Certificate, now: datetime, folder: Path) -> Iterator[Finding]:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins <= now <= ends - SOON:
        return
    level: Level = "warn" if begins <= now <= ends else "fail"
    yield Finding(
        level,
        SUBJECT,
        say(
            f"valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}; this box says {now:%Y-%m-%d}",
            f"有效期 {begins:%Y-%m-%d} 至 {ends:%Y-%m-%d}；本机日期 {now:%Y-%m-%d}",
        ),
        say(
            f"if the clock is right: put a new pair into {folder}, or empty it: the next start makes one",
            f"若时钟正确：请在 {folder} 放入新的证书和私钥，或清空后由下次启动生成",
        ),
    )


def _host(certificate: x509.Certificate) -> Iterator[Finding]:
    host = socket.gethostname()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        named = []
    else:
        named = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    short = {name.partition(".")[0] for name in named}
    if host.lower() not in named and host.partition(".")[0].lower() not in short:
        yield Finding(
            "warn",
            SUBJECT,
            say(
                f"it names {', '.join(named) or 'no host'}, and this box is {host}",
                f"证书中的主机名为 {', '.join(named) or '无'}，本机为 {host}",
            ),
            say(
                "clients that check the host refuse it: have it made anew (empty its folder), or list the "
                "names clients use in gateway.opcua.names first",
                "检查主机名的客户端会拒绝：请先在 gateway.opcua.names 列出客户端使用的名称，"
                "再清空其目录重新生成",
            ),
        )
