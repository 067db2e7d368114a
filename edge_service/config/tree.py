"""The whole configuration of an edge station, as one frozen tree.

What the YAML file says is kept as written; paths are made absolute by the properties, relative ones
against the folder of the file. A minimal file::

    station: {id: line-1}
    camera: {kind: simulated}
    recipes:
      - {number: 1, name: PCB, model: pcb}
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from edge_service.config.cameras import AdjustableCamera, CameraSection, SimulatedCamera, VideoCamera
from edge_service.config.golden import GoldenSection
from edge_service.config.modbus import Modbus
from edge_service.config.plc import Handshake, TriggerSection
from edge_service.config.section import Clash, Section, about, clash
from edge_service.config.server import OutboxSection, UplinkSection
from edge_service.config.services import GatewaySection, LinkSection, LogSection
from edge_service.config.station import InferenceSection, ModelsSection, RecipeSection, StationSection
from edge_service.domain.inspection import CameraSettings, Recipe
from edge_service.language import say

# sun_path holds 108 bytes with its closing NUL: unix(7)
LONGEST_SOCKET_PATH = 107


class EdgeConfig(Section):
    """The configuration of one station."""

    station: StationSection = Field(description=about("who this station is", "本工位"))
    camera: CameraSection = Field(description=about("where frames come from", "图像来源"))
    recipes: tuple[RecipeSection, ...] = Field(
        default=(), max_length=999, description=about("products of this station", "本工位的产品")
    )
    start_recipe: int | None = Field(
        default=None,
        ge=1,
        le=999,
        description=about(
            "recipe active after start (default: the first of the list)", "启动后的配方（默认：列表第一个）"
        ),
    )
    inference: InferenceSection = Field(
        default_factory=InferenceSection, description=about("where the model runs", "模型运行设备")
    )
    golden: GoldenSection = Field(
        default_factory=GoldenSection, description=about("golden-sample test", "标准样件测试")
    )
    models: ModelsSection = Field(default_factory=ModelsSection, description=about("model store", "模型库"))
    modbus: Modbus = Field(default_factory=Modbus, description=about("Modbus", "Modbus"))
    handshake: Handshake = Field(
        default_factory=Handshake, description=about("conversation with the PLC", "与 PLC 的握手")
    )
    trigger: TriggerSection = Field(
        default_factory=TriggerSection, description=about("who may trigger", "触发来源")
    )
    outbox: OutboxSection = Field(
        default_factory=OutboxSection,
        description=about("results for the training server", "发往服务器的结果"),
    )
    uplink: UplinkSection = Field(
        default_factory=UplinkSection, description=about("the way to the training server", "与服务器的连接")
    )
    link: LinkSection = Field(
        default_factory=LinkSection, description=about("core and gateway", "核心与网关之间的连接")
    )
    gateway: GatewaySection = Field(
        default_factory=GatewaySection, description=about("for people and servers", "面向人员和服务器")
    )
    log: LogSection = Field(default_factory=LogSection, description=about("log", "日志"))

    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    def beside(self, folder: Path) -> Self:
        """Return the same configuration with its relative paths counted from ``folder``."""
        copy = self.model_copy()
        copy._folder = folder.absolute()  # noqa: SLF001 - our own copy
        return copy

    def resolve(self, path: str) -> Path:
        """Return ``path`` absolute: as it is, or counted from the folder of the configuration file."""
        return self._folder / Path(path).expanduser()

    @property
    def data_dir(self) -> Path:
        """The folder for models, queue and state, absolute."""
        return self.resolve(self.station.data_dir)

    @property
    def store_dir(self) -> Path:
        """Where installed models lie."""
        return self.resolve(self.models.store_dir) if self.models.store_dir else self.data_dir / "models"

    @property
    def trust_dir(self) -> Path:
        """Where trusted public keys lie."""
        return self.resolve(self.models.trust_dir) if self.models.trust_dir else self.data_dir / "trust"

    @property
    def cache_dir(self) -> Path | None:
        """Where compiled models are kept; None when they are not."""
        return self.data_dir / "cache" if self.inference.cache else None

    @property
    def link_socket(self) -> Path:
        """The local socket between core and gateway."""
        return self.resolve(self.link.socket) if self.link.socket else self.data_dir / "core.sock"

    @property
    def opcua_dir(self) -> Path:
        """Where the OPC UA server keeps its certificate, its trusted peers and its users."""
        pki_dir = self.gateway.opcua.pki_dir
        return self.resolve(pki_dir) if pki_dir else self.data_dir / "opcua"

    @property
    def outbox_dir(self) -> Path:
        """Where results and pictures wait for the server."""
        return self.data_dir / "outbox"

    @property
    def enrolment_file(self) -> Path:
        """Where the server's address and this box's token lie once it is enrolled."""
        return self.data_dir / "server.json"

    def recipe_table(self) -> dict[int, Recipe]:
        """Return number -> recipe, in the order of the file; masks absolute, the camera's settings whole."""
        recipes = (section.recipe() for section in self.recipes)
        return {
            recipe.number: replace(
                recipe,
                mask=str(self.resolve(recipe.mask)) if recipe.mask else None,
                camera=self._settings(recipe.camera),
            )
            for recipe in recipes
        }

    def _settings(self, own: CameraSettings) -> CameraSettings:
        """Return a recipe's settings, and the camera section's where it has none of its own."""
        if not isinstance(self.camera, AdjustableCamera):
            return own
        return CameraSettings(
            self.camera.exposure_us if own.exposure_us is None else own.exposure_us,
            self.camera.gain if own.gain is None else own.gain,
        )

    @property
    def first_recipe(self) -> int:
        """The recipe active after start; 0 when there is none."""
        if self.start_recipe is not None:
            return self.start_recipe
        return self.recipes[0].number if self.recipes else 0

    @model_validator(mode="after")
    def _pieces_fit(self) -> Self:
        if clashes := [*self._recipe_clashes(), *self._product_clashes(), *self._setting_clashes()]:
            raise clash(*clashes)
        return self

    def _recipe_clashes(self) -> Iterator[Clash]:
        seen: dict[int, int] = {}
        for index, recipe in enumerate(self.recipes):
            if recipe.number in seen:
                yield Clash(
                    ("recipes", index, "number"),
                    say(
                        f"number {recipe.number} is taken by entry {seen[recipe.number] + 1} of the list",
                        f"编号 {recipe.number} 已被列表第 {seen[recipe.number] + 1} 项使用",
                    ),
                )
            seen.setdefault(recipe.number, index)
        if self.start_recipe is not None and self.start_recipe not in seen:
            yield Clash(("start_recipe",), _no_recipe(self.start_recipe, seen))

    def _product_clashes(self) -> Iterator[Clash]:
        if isinstance(self.camera, SimulatedCamera):
            known = [recipe.number for recipe in self.recipes]
            for number in self.camera.products:
                if number not in known:
                    yield Clash(("camera", "products", str(number)), _no_recipe(number, known))

    def _setting_clashes(self) -> Iterator[Clash]:
        """A camera set for one recipe would keep that for the next: so each one says what it needs."""
        for name in ("exposure_us", "gain"):
            wanted = [
                (index, getattr(self._settings(each.recipe().camera), name))
                for index, each in enumerate(self.recipes)
            ]
            setting = [index for index, value in wanted if value is not None]
            adjustable = isinstance(self.camera, SimulatedCamera) or (
                isinstance(self.camera, VideoCamera) and self.camera.is_v4l2
            )
            if setting and not adjustable:
                yield Clash(("recipes", setting[0], name), _no_setting(name))
            elif setting and len(setting) < len(wanted):
                lacking = next(index for index, value in wanted if value is None)
                yield Clash(("recipes", lacking), _one_sided(name, self.recipes[setting[0]].number))


def _no_setting(name: str) -> str:
    return say(
        f"this camera takes no {name}: simulated cameras and V4L2 ones (/dev/video0) do",
        f"此相机不支持 {name}：simulated 和 V4L2（/dev/video0）相机支持",
    )


def _one_sided(name: str, other: int) -> str:
    return say(
        f"no {name}, while recipe {other} has one: set it here too, or camera.{name} for those without",
        f"缺少 {name}，而配方 {other} 有：请在此处设置，或用 camera.{name} 作为缺省值",
    )


def _no_recipe(number: int, known: Iterable[int]) -> str:
    numbers = ", ".join(map(str, known)) or "-"
    return say(f"there is no recipe {number}; recipes: {numbers}", f"没有配方 {number}；现有配方：{numbers}")


def checksum(config: EdgeConfig) -> int:
    """Return the u32 that the PLC reads: CRC-32 of the canonical JSON of every value in force.

    Comments, order of keys, spacing and defaults written out do not change it.
    """
    canonical = json.dumps(
        config.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True
    )
    return zlib.crc32(canonical.encode("ascii"))
