"""What ``okng-edge run --sim`` needs before it can start: a configuration and a model."""

from pathlib import Path

import yaml

from edge_service.contract.model_package import ModelPackage
from edge_service.contract.trust import TrustStore
from edge_service.errors import PackageError
from edge_service.language import say
from edge_service.model_store.store import ModelStore
from edge_service.simulation.ready import ready_digests, ready_packages

CONFIG = "sim.yaml"
_HEADER = (
    "# Written anew by `okng-edge run --sim` at each start; copy it to make a configuration of your own.\n"
    "# 每次执行 `okng-edge run --sim` 都会重新生成；可复制作为自己的配置。\n"
)


def prepare(folder: Path, *, modbus_port: int, http_port: int, opcua_port: int = 0) -> Path:
    """Fill ``folder`` with ready models and a configuration; return the configuration's path.

    Raises PackageError when this installation carries no ready model, DiskFullError, ConfigurationError.
    """
    from edge_service.durable import LocalDisk

    folder = folder.expanduser().absolute()
    models = _install(folder)
    path = folder / CONFIG
    LocalDisk().write(path, (_HEADER + _yaml(folder, models, modbus_port, http_port, opcua_port)).encode())
    return path


SLOW_RENDERING = {"exposure_ms": 10000, "inspection_ms": 12000}
"""A small box that is asked quicker than it can render answers late, not with an error."""


def _install(folder: Path) -> list[str]:
    """Install and activate the ready models; return their names in order."""
    digests = ready_digests()
    store = ModelStore(folder / "models", TrustStore(folder / "trust", digests=digests).load)
    names = []
    for data in ready_packages().values():
        package = store.install(data)
        if store.active_version(package.manifest.name) is None:
            store.activate(package.manifest.name, package.manifest.version, _vouched_for)
        names.append(package.manifest.name)
    if not names:
        raise PackageError(
            say("this installation carries no ready model", "本安装不含现成模型"),
            remedy=say(
                "install okng from its package, or train a model and use --config FILE",
                "请从安装包安装 okng，或训练模型并使用 --config FILE",
            ),
        )
    return sorted(names, reverse=True)


def _vouched_for(_: ModelPackage) -> None:
    """Leave the self-test to the core, which runs it on each model it loads."""


def _yaml(folder: Path, models: list[str], modbus_port: int, http_port: int, opcua_port: int) -> str:
    recipes = [{"number": n, "name": name, "model": name} for n, name in enumerate(models, 1)]
    loopback = "127.0.0.1"
    open_to_this_box = {"host": loopback, "port": opcua_port, "allow_none": True, "anonymous": "operator"}
    tree = {
        "station": {"id": "sim", "data_dir": str(folder)},
        "camera": {
            "kind": "simulated",
            "product": models[0],
            "products": dict(enumerate(models, 1)),
            "defect_share": 0.3,
        },
        "recipes": recipes,
        "handshake": {"timeouts": SLOW_RENDERING},
        "inference": {"devices": ["GPU", "CPU"]},
        "modbus": {"tcp": {"host": loopback, "port": modbus_port}},
        "gateway": {"http": {"port": http_port}, "opcua": open_to_this_box},
    }
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
