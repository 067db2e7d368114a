"""Reading the YAML file: defaults, paths, checksum, and a message for every kind of mistake."""

from pathlib import Path

import pytest

from edge_service.config import EdgeConfig, SimulatedCamera, checksum, load, parse
from edge_service.domain.inspection import CameraSettings
from edge_service.errors import ConfigurationError

MINIMAL = """
station: {id: line-1}
camera: {kind: simulated}
recipes:
  - {number: 1, name: PCB, model: pcb}
"""


def config(text: str) -> EdgeConfig:
    """Return the configuration in the text, as if it lay in /etc/okng/edge.yaml."""
    return parse(text.encode(), "edge.yaml", Path("/etc/okng"))


def mistakes(text: str) -> str:
    """Return the message for a text that must not pass."""
    with pytest.raises(ConfigurationError) as caught:
        config(text)
    return str(caught.value)


def test_minimal_file_has_safe_defaults():
    """Five lines are enough, and what they leave out is closed to strangers."""
    minimal = config(MINIMAL)
    assert isinstance(minimal.camera, SimulatedCamera)
    assert minimal.modbus.tcp.port == 502
    assert "0.0.0.0/0" not in minimal.modbus.tcp.allow
    assert minimal.gateway.http.host == "127.0.0.1"
    assert minimal.first_recipe == 1
    assert minimal.recipe_table()[1].model == "pcb"


def test_relative_paths_count_from_the_file():
    """A relative folder means the same from whatever directory the station is started."""
    assert config(MINIMAL).data_dir == Path("/var/lib/okng")
    beside = config(MINIMAL.replace("line-1", "line-1, data_dir: data"))
    assert beside.data_dir == Path("/etc/okng/data")
    assert beside.link_socket == Path("/etc/okng/data/core.sock")
    assert beside.store_dir == Path("/etc/okng/data/models")


def test_checksum_ignores_formatting_and_written_out_defaults():
    """Comments, order, spacing and a default written out leave the PLC's checksum alone."""
    other = """
    # the same in other words
    modbus:
      tcp: {port: 502}
    recipes: [{model: "pcb", name: 'PCB', number: 1}]
    camera:
      kind: simulated
      seed:
    station:
        id: line-1
    """
    assert checksum(config(other)) == checksum(config(MINIMAL))


def test_checksum_changes_with_a_value():
    """A threshold changed on one line is another configuration to the PLC."""
    changed = MINIMAL.replace("model: pcb", "model: pcb, threshold: 0.6")
    assert checksum(config(changed)) != checksum(config(MINIMAL))
    assert 0 <= checksum(config(changed)) < 2**32


def test_off_is_a_word():
    """`heartbeat: off` is the word off, not YAML 1.1's false."""
    assert config(MINIMAL + "handshake: {heartbeat: off}").handshake.heartbeat == "off"


def test_all_mistakes_are_told_in_the_order_of_the_file():
    """One run tells every mistake, so nobody mends a file one message at a time."""
    text = mistakes(
        "station: {id: line 1}\n"
        "camera:\n"
        "  kind: simulated\n"
        "  sed: 3\n"
        "modbus:\n"
        "  tcp: {port: 99999}\n"
        "gateway: {http: {enabled: yes}}\n"
    )
    heads = [line for line in text.splitlines() if line.startswith("edge.yaml:") and "mistakes" not in line]
    assert [head.split(": ", 1)[0] for head in heads] == [
        "edge.yaml:1:15",
        "edge.yaml:4:3",
        "edge.yaml:6:15",
        "edge.yaml:7:27",
    ]
    assert "found the number 99999" in text
    assert "allowed: a whole number from 0 to 65535" in text
    assert "did you mean: seed" in text
    assert "allowed: true | false" in text


def test_an_unknown_key_without_a_value_is_told_too():
    """An empty key is left out for its default, but only if there is such a key."""
    assert config(MINIMAL + "handshake:\n").handshake.profile == "plc"
    text = mistakes(MINIMAL + "handshak:\nmodbus: {tcp: {prt: }}\n")
    assert "edge.yaml:6:1: handshak: unknown key" in text
    assert "edge.yaml:7:16: modbus.tcp.prt: unknown key" in text


def test_key_in_the_wrong_section_is_shown_home():
    """A key that exists elsewhere is told where."""
    text = mistakes(MINIMAL + "port: 502")
    assert "its place is: gateway.http.port, gateway.opcua.port, modbus.client.port, modbus.tcp.port" in text


def test_duplicate_key_names_both_lines():
    """The second of two equal keys is refused with the line of the first."""
    text = mistakes("station:\n  id: a\n  id: b\ncamera: {kind: simulated}\n")
    assert "edge.yaml:3:3: station.id: key stands twice; first on line 2, again on line 3" in text


def test_duplicate_recipe_number_and_unknown_recipe():
    """What only fits together is checked too, each mistake at its own place."""
    text = mistakes(
        "station: {id: a}\n"
        "camera: {kind: simulated, products: {7: crate}}\n"
        "recipes:\n"
        "  - {number: 1, name: A, model: a}\n"
        "  - {number: 1, name: B, model: b}\n"
        "start_recipe: 9\n"
    )
    assert "edge.yaml:2:41: camera.products.7: there is no recipe 7" in text
    assert "edge.yaml:5:14: recipes[1].number: number 1 is taken by entry 1 of the list" in text
    assert "edge.yaml:6:15: start_recipe: there is no recipe 9" in text


def test_inspection_must_outlast_exposure():
    """A part cannot be given up before its exposure is."""
    text = mistakes(MINIMAL + "handshake: {timeouts: {exposure_ms: 3000}}")
    assert "handshake.timeouts.inspection_ms: must be longer than exposure_ms (3000)" in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:\n\tb: 1\n", "edge.yaml:2:1: a tab in the indentation"),
        ("a: b: c\n", "edge.yaml:1:5: a second ': ' in one line"),
        ("a: [1,\nb: 2\n", "a [ list is not closed"),
        ("a:\n  b: 1\n c: 2\n", "edge.yaml:3:2: the indentation fits nothing above it"),
        ("a: 'x\n", "a quotation mark is never closed"),
        ("a: &x 1\n", "&anchors are not used here"),
        ("a: !!python/name:os.system x\n", "!tags are not used here"),
        ("a: \x01\n", "edge.yaml:1:4: character U+0001 is not allowed"),
        ("", "edge.yaml:1:1: the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("[" * 1000, "sections nest too deep"),
        ("- a\n", "found a list of 1"),
        ("a: 1\n---\nb: 2\n", "edge.yaml:2:1: a second document begins here"),
    ],
)
def test_what_is_no_yaml_is_told_in_words(text: str, told: str):
    """Syntax errors name line, column and what a person did, not what the parser expected."""
    assert told in mistakes(text)


def test_wrong_encoding_is_named(tmp_path: Path):
    """A file saved as GBK is told apart, with the line of its first strange byte."""
    file = tmp_path / "edge.yaml"
    file.write_bytes("station:\n  id: 工位\n".encode("gbk"))
    with pytest.raises(ConfigurationError, match=r"edge\.yaml:2:7: byte 0xB9 is no UTF-8 text") as caught:
        load(file)
    assert "it looks like GBK/GB18030" in str(caught.value)


def test_missing_file_says_what_to_do(tmp_path: Path):
    """A path with nothing behind it is no traceback."""
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        load(tmp_path / "nothing.yaml")
    assert "--config FILE" in caught.value.remedy


def test_a_large_file_is_not_read(tmp_path: Path):
    """A video given as --config is refused by its size."""
    file = tmp_path / "edge.yaml"
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigurationError, match="is no configuration file"):
        load(file)


def test_password_of_a_camera_is_never_shown():
    """Messages quote lines of the file, but no password in them; nor does repr."""
    text = "station: {id: a}\ncamera: {kind: video, source: 'rtsp://me:s3cr3t@cam/1'%s}\n"
    assert "s3cr3t" not in mistakes(text % ", latency: 3")
    assert "s3cr3t" not in repr(config(text % ""))


def test_messages_come_in_chinese(monkeypatch: pytest.MonkeyPatch):
    """OKNG_LANG=zh turns the whole message, remedy included."""
    monkeypatch.setenv("OKNG_LANG", "zh")
    text = mistakes(MINIMAL + "modbus: {tcp: {prt: 1}}")
    assert "未知的键" in text
    assert "是否想写：port" in text
    assert "请修改以上各行" in text


@pytest.mark.parametrize(
    ("section", "place", "reason"),
    [
        ("tls: {enabled: true, key: k.pem, client_ca: ca.pem}", "modbus.tls.certificate", "is needed when"),
        ("tls: {enabled: true, port: 502, certificate: c, key: k, client_ca: ca}", "modbus.tls.port", "502"),
        ("rtu: {enabled: true}", "modbus.rtu.device", "is needed when"),
        ("rtu: {baud: 9601}", "modbus.rtu.baud", "allowed"),
        ("rtu: {unit_id: 0}", "modbus.rtu.unit_id", "from 1 to 247"),
        ("client: {enabled: true}", "modbus.client.host", "is needed when"),
        ("client: {command_at: 1100}", "modbus.client.station_at", "overlaps"),
    ],
)
def test_roles_of_modbus_that_cannot_work_are_refused(section: str, place: str, reason: str):
    """A role that lacks what it needs, or stands in another's way, is told with its key."""
    text = mistakes(MINIMAL + f"modbus:\n  {section}\n")
    assert f"{place}: " in text
    assert reason in text


TWO = """
station: {id: line-1}
camera: {kind: %s}
recipes:
  - {number: 1, name: PCB, model: pcb, exposure_us: 5000}
  - {number: 2, name: crate, model: crate}
"""


def test_a_recipe_takes_the_cameras_settings_where_it_has_none():
    """What a recipe does not say stands in the camera section, each setting by itself."""
    table = config(TWO % "video, source: 0, exposure_us: 8000, gain: 3").recipe_table()
    assert table[1].camera == CameraSettings(5000.0, 3.0)
    assert table[2].camera == CameraSettings(8000.0, 3.0)
    assert config(MINIMAL).recipe_table()[1].camera == CameraSettings()


def test_settings_are_for_all_recipes_or_for_none():
    """A recipe that says nothing would be judged with the exposure of the one before: refused."""
    assert "no exposure_us, while recipe 1 has one" in mistakes(TWO % "simulated")


@pytest.mark.parametrize("kind", ["folder, path: x", "video, source: a.avi", "video, source: 'rtsp://a/b'"])
def test_settings_need_a_camera_that_takes_them(kind: str):
    """Pictures in a folder, files and network streams have no exposure to set."""
    assert "this camera takes no exposure_us" in mistakes(TWO % kind)
