"""Who gets in, as whom: every endpoint, every kind of proof, every wrong certificate."""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto import uacrypto
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from edge_service.gateway.opcua.peers import MOST_REJECTED, PeerRefusedError, Peers
from edge_service.gateway.opcua.users import Users
from edge_service.link import Role
from tests.support.disks import FullDisk
from tests.support.opcua_bench import (
    MODES,
    POLICIES,
    Credentials,
    OpcUaBench,
    client_of,
    credentials,
)

CLIENT = credentials()
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USER = credentials("urn:okng:engineer", key=OTHER_KEY)
OLD_USER = credentials("urn:okng:retired", key=OTHER_KEY, days=(-30, -1))
PASSWORD = "correct horse"
OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
REFUSED = (ua.UaError, ConnectionError, TimeoutError, asyncio.CancelledError, ua.uaerrors.BadConnectionClosed)
ENDPOINTS = [(policy, mode) for policy in POLICIES for mode in MODES]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server with one trusted client, an operator by password and an engineer by certificate."""
    folder = tmp_path_factory.mktemp("opcua") / "pki"
    trust(folder, CLIENT)
    users = Users(folder)
    users.put("anna", Role.OPERATOR, password=PASSWORD)
    users.put("erik", Role.ENGINEER, certificate=USER.der)
    users.put("olaf", Role.ENGINEER, certificate=OLD_USER.der)
    with OpcUaBench(folder, allow_none=True) as server:
        yield server


def trust(folder: Path, mine: Credentials) -> None:
    """Put a client's certificate where trusted ones lie."""
    place = folder / "trusted"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{mine.certificate.serial_number}.crt").write_bytes(mine.der)


def identify(client: Client, who: str, user: Credentials = USER) -> None:
    """Let a client prove who it is."""
    if who in ("password", "wrong password"):
        client.set_user("anna")
        client.set_password(PASSWORD if who == "password" else "wrong horse")
    elif who == "certificate":
        client.user_certificate = user.certificate
        client.user_private_key = user.key


async def use(client: Client) -> None:
    """Connect and do what an operator may, then what an engineer may."""
    async with client:
        plc = client.get_node("ns=2;s=PLC")
        try:
            await plc.call_method("2:ResetStatistics")
            await plc.call_method("2:SelectRecipe", ua.Variant(1, ua.VariantType.UInt16))
        except ua.uaerrors.BadUserAccessDenied:
            pass


@pytest.mark.parametrize(("policy", "mode"), ENDPOINTS)
async def test_every_secure_endpoint_knows_its_users(bench: OpcUaBench, policy: str, mode: str):
    """Anonymous reads, a password makes an operator, a certificate with its key an engineer."""
    expected = {
        "anonymous": [],
        "password": ["reset_statistics"],
        "certificate": ["reset_statistics", "select_recipe"],
    }
    for who, commands in expected.items():
        bench.core.asked.clear()
        client = await client_of(bench, CLIENT, policy, mode)
        identify(client, who)
        await use(client)
        assert [name for name, *_ in bench.core.asked] == commands, who


@pytest.mark.parametrize(("policy", "mode"), [ENDPOINTS[0], ENDPOINTS[-1]])
async def test_a_wrong_password_is_refused(bench: OpcUaBench, policy: str, mode: str):
    """Whoever it claims to be."""
    client = await client_of(bench, CLIENT, policy, mode)
    identify(client, "wrong password")
    with pytest.raises(ua.uaerrors.BadUserAccessDenied):
        await client.connect()


async def test_without_security_everybody_only_reads(bench: OpcUaBench):
    """On the None endpoint there is no user: neither password nor certificate is taken."""
    bench.core.asked.clear()
    await use(await client_of(bench))
    assert bench.core.asked == []
    for who in ("password", "certificate"):
        client = await client_of(bench)
        identify(client, who)
        with pytest.raises(REFUSED):
            await client.connect()


async def test_endpoints_say_what_they_take(bench: OpcUaBench):
    """Six secure endpoints with three kinds of proof, and None with anonymous alone."""
    endpoints = await Client(bench.url).connect_and_get_server_endpoints()
    kinds = {
        (each.SecurityPolicyUri.rpartition("#")[2], each.SecurityMode.name): {
            token.TokenType.name for token in each.UserIdentityTokens
        }
        for each in endpoints
    }
    assert len(kinds) == 7
    assert kinds.pop(("None", "None_")) == {"Anonymous"}
    assert all(offered == {"Anonymous", "UserName", "Certificate"} for offered in kinds.values())


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (credentials(key=OTHER_KEY), "not trusted"),
        (credentials(days=(-30, -1)), "expired"),
        (credentials(days=(1, 30)), "not valid yet"),
        (credentials(names=("192.0.2.7",)), "it belongs to 192.0.2.7"),
        (credentials(key=rsa.generate_private_key(public_exponent=65537, key_size=1024)), "not RSA of 2048"),
    ],
)
async def test_a_wrong_certificate_opens_no_channel(bench: OpcUaBench, wrong: Credentials, reason: str):
    """Not even where it lies among the trusted ones, unless it is only unknown."""
    if reason != "not trusted":
        trust(bench.settings.folder, wrong)
    with pytest.raises(PeerRefusedError, match=reason):
        Peers(bench.settings.folder).check(wrong.der, "127.0.0.1")
    client = await client_of(bench, wrong)
    with pytest.raises(REFUSED):
        await client.connect()


async def test_a_certificate_with_a_host_name_is_not_held_to_its_addresses(bench: OpcUaBench):
    """Names are not looked up, and beside one an address may be that of another network port."""
    mine = credentials(names=("scada.plant.example", "192.0.2.7"))
    trust(bench.settings.folder, mine)
    async with await client_of(bench, mine):
        pass


def test_a_client_that_checks_the_host_knows_the_station(
    bench: OpcUaBench, require_program: Callable[[str], str]
):
    """OpenSSL finds the box's name and loopback in the station's certificate, and no other host."""
    openssl = [require_program("openssl"), "x509", "-inform", "DER", "-in", str(bench.own_certificate)]

    def names(*check: str) -> bool:
        command = [*openssl, "-noout", *check]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return "does match" in said

    assert names("-checkhost", socket.gethostname())
    assert names("-checkip", "127.0.0.1")
    assert not names("-checkhost", "other.plant.example")
    assert not names("-checkip", "192.0.2.7")


async def test_a_certificate_of_another_application_is_refused(bench: OpcUaBench):
    """The application must be the one that its certificate names."""
    client = await client_of(bench, CLIENT)
    client.application_uri = "urn:somebody:else"
    with pytest.raises(ua.uaerrors.BadCertificateUriInvalid):
        await client.connect()


async def test_a_rejected_certificate_can_be_trusted(bench: OpcUaBench):
    """It lies in rejected/ after its first try; trusting it by its fingerprint lets it in."""
    mine = credentials("urn:okng:newcomer", key=OTHER_KEY)
    client = await client_of(bench, mine)
    client.application_uri = "urn:okng:newcomer"
    with pytest.raises(REFUSED):
        await client.connect()
    peers = Peers(bench.settings.folder)
    rejected = peers.rejected()[-1]
    assert rejected.certificate == mine.certificate
    peers.trust(rejected.fingerprint[:16])
    again = await client_of(bench, mine)
    again.application_uri = "urn:okng:newcomer"
    async with again:
        assert await again.get_node("ns=2;s=PLC.Status.TriggerReady").read_value() is False
    assert [peer.certificate for peer in peers.distrust(rejected.fingerprint)] == [mine.certificate]


async def test_an_authority_s_clients_are_trusted_until_revoked(bench: OpcUaBench):
    """What a trusted CA issued may connect; a list of revoked certificates ends that."""
    folder = bench.settings.folder
    authority = credentials("urn:okng:plant-ca", key=OTHER_KEY, authority=True)
    trust(folder, authority)
    mine = credentials(issuer=authority)
    async with await client_of(bench, mine):
        pass
    now = mine.certificate.not_valid_before_utc
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(mine.certificate.serial_number)
        .revocation_date(now)
        .build()
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(mine.certificate.not_valid_after_utc)
        .add_revoked_certificate(revoked)
        .sign(authority.key, hashes.SHA256())
    )
    (folder / "crl").mkdir(exist_ok=True)
    (folder / "crl" / "plant.crl").write_bytes(crl.public_bytes(serialization.Encoding.DER))
    client = await client_of(bench, mine)
    with pytest.raises(REFUSED):
        await client.connect()


async def test_a_full_folder_of_rejected_certificates_keeps_the_newest(tmp_path: Path):
    """Strangers cannot fill the disk, and a file that is none keeps nobody out."""
    peers = Peers(tmp_path)
    for number in range(MOST_REJECTED + 5):
        stranger = credentials(f"urn:okng:stranger-{number}")
        with pytest.raises(PeerRefusedError, match="not trusted"):
            peers.check(stranger.der, "127.0.0.1")
    assert len(peers.rejected()) == MOST_REJECTED
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "readme.txt").write_text("not a certificate")
    trust(tmp_path, CLIENT)
    assert peers.check(CLIENT.der, "127.0.0.1") == CLIENT.certificate


def test_a_full_disk_lets_nobody_in(tmp_path: Path):
    """A stranger whose certificate cannot be kept aside is refused like any other."""
    peers = Peers(tmp_path, FullDisk())
    with pytest.raises(PeerRefusedError, match="not trusted"):
        peers.check(CLIENT.der, "127.0.0.1")
    assert peers.rejected() == []


def test_a_crowded_folder_of_trusted_certificates_still_lets_in(tmp_path: Path):
    """A thousand files, half of them no certificates, a folder, a dead link: the right one counts."""
    place = tmp_path / "trusted"
    (place / "folder.der").mkdir(parents=True)
    for number in range(1_000):
        (place / f"{number}.der").write_bytes(CLIENT.der if number % 2 else b"no certificate")
    (place / "nowhere.der").symlink_to(tmp_path / "gone")
    with pytest.raises(PeerRefusedError, match="not trusted"):
        Peers(tmp_path).check(USER.der, "127.0.0.1")
    trust(tmp_path, USER)
    assert Peers(tmp_path).check(USER.der, "127.0.0.1") == USER.certificate


async def test_an_expired_user_certificate_makes_nobody_an_engineer(bench: OpcUaBench):
    """Known, its key at hand, and out of date all the same."""
    client = await client_of(bench, CLIENT)
    identify(client, "certificate", OLD_USER)
    with pytest.raises(ua.uaerrors.BadIdentityTokenRejected):
        await client.connect()


async def test_a_public_certificate_without_its_key_gains_nothing(bench: OpcUaBench):
    """Shown as the application's in CreateSession, or as the user's with another key's signature."""
    stranger = await client_of(bench, CLIENT)
    identify(stranger, "certificate", Credentials(USER.certificate, CLIENT.key))
    with pytest.raises(ua.uaerrors.BadIdentityTokenInvalid):
        await stranger.connect()
    shows_more = await client_of(bench, CLIENT)
    shows_more.security_policy.host_certificate = CLIENT.der
    await shows_more.connect_socket()
    try:
        await shows_more.send_hello()
        await shows_more.open_secure_channel()
        shows_more.security_policy.host_certificate = USER.der
        with pytest.raises(ua.uaerrors.BadCertificateInvalid):
            await shows_more.create_session()
    finally:
        shows_more.disconnect_socket()
    on_none = await client_of(bench)
    await on_none.connect_socket()
    try:
        await on_none.send_hello()
        await on_none.open_secure_channel()
        on_none.security_policy.host_certificate = USER.der
        await on_none.create_session()
        bench.core.asked.clear()
        await on_none.activate_session()
        plc = on_none.get_node("ns=2;s=PLC")
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await plc.call_method("2:ResetStatistics")
        assert bench.core.asked == []
    finally:
        on_none.disconnect_socket()


async def test_an_old_password_token_cannot_be_played_again(bench: OpcUaBench):
    """An encrypted password holds the session's number used once; another session's is refused."""
    client = await client_of(bench, CLIENT, mode="Sign")
    identify(client, "password")
    client._encrypt_password = lambda _, __: encrypted(bench, b"\0" * 32)
    with pytest.raises(ua.uaerrors.BadIdentityTokenInvalid):
        await client.connect()


def encrypted(bench: OpcUaBench, nonce: bytes) -> tuple[bytes, str]:
    """Return the password encrypted with some session's nonce."""
    secret = PASSWORD.encode() + nonce
    whole = len(secret).to_bytes(4, "little") + secret
    certificate = uacrypto.x509_from_der(bench.own_certificate.read_bytes())
    return uacrypto.encrypt_rsa_oaep(certificate.public_key(), whole), OAEP


async def test_none_is_for_finding_endpoints_where_it_is_not_offered(tmp_path: Path):
    """Endpoints are told to everybody; a session without security is refused, with or without a channel."""
    with OpcUaBench(tmp_path / "pki") as closed:
        endpoints = await Client(closed.url).connect_and_get_server_endpoints()
        assert len(endpoints) == 6
        client = await client_of(closed)
        await client.connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            with pytest.raises(ua.uaerrors.BadSecurityPolicyRejected):
                await client.create_session()
        finally:
            client.disconnect_socket()
