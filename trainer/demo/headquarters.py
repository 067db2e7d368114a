"""The demo's training server, seen as a person sees it: over its API, with the local admin's token.

What the demo does here are the calls behind ``okng-trainer edges code``, ``jobs start --watch``,
``models assign`` and ``results``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_service.errors import LinkError
from edge_service.language import say
from trainer.cli.client import Client

POLL_S = 0.3

Watch = Callable[[str, int, int], None]
"""(phase, done, total) of a training job, as it comes."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the server has of the demo."""

    records: int
    samples: int
    images: int
    verdicts: dict[str, int]

    def as_json(self) -> dict[str, object]:
        """The server's part of summary.json."""
        return {
            "records": self.records,
            "samples": self.samples,
            "images": self.images,
            "verdicts": self.verdicts,
        }


class Headquarters:
    """Asks the server at ``url``. ``data_folder``: where it keeps the admin's token."""

    def __init__(self, url: str, data_folder: Path) -> None:
        self.url = url
        self._client = Client(url, (data_folder / "admin.token").read_text("ascii").strip())

    def code(self, station: str) -> str:
        """Return a one-time code that lets one box in."""
        return str(self._client.send("POST", "/api/v1/edges/codes", {"station": station})["code"])

    def wait_for_samples(self, product: str, number: int, patience_s: float) -> None:
        """Return when so many photographs of ``product`` are there, pictures and all."""

        def there() -> bool:
            known = [dataset["product"] for dataset in self._client.get("/api/v1/datasets")]
            if product not in known:
                return False
            here = [each["here"] for each in self._client.get(f"/api/v1/datasets/{product}")]
            return len([each for each in here if each]) >= number

        _wait(there, patience_s, say(f"{number} photographs of {product}", f"{product} 的 {number} 张照片"))

    def train(self, product: str, version: str, watch: Watch) -> dict[str, Any]:
        """Start a job and follow it to its end; return the job. Raises OkngError when it fails."""
        job = self._client.send("POST", "/api/v1/jobs", {"product": product, "version": version})
        for kind, told in self._client.events(f"/api/v1/jobs/{job['id']}/events"):
            if kind == "progress":
                watch(str(told["phase"]), int(told["done"]), int(told["total"]))
        done: dict[str, Any] = self._client.get(f"/api/v1/jobs/{job['id']}")
        if done["state"] != "succeeded":
            raise LinkError(f"{product}: {done['state']}", remedy=str(done["error"]))
        return done

    def picture(self, job: int) -> bytes:
        """Return the picture by which to judge the model a job made (PNG)."""
        return self._client.download(f"/api/v1/jobs/{job}/picture")

    def model(self, name: str, version: str) -> dict[str, Any]:
        """Return what the server says of a package."""
        found: dict[str, Any] = self._client.get(f"/api/v1/models/{name}/{version}")
        return found

    def assign(self, name: str, version: str, station: str, recipe: int) -> None:
        """Want this model on that recipe of that box."""
        wish = {"name": name, "version": version}
        self._client.send("PUT", f"/api/v1/assignments/{station}/{recipe}", wish)

    def wait_until_active(self, station: str, names: set[str], patience_s: float) -> None:
        """Return when the box reports these models active. Raises LinkError when it refused one."""

        def active() -> bool:
            health = self._client.get(f"/api/v1/edges/{station}")["health"] or {}
            models = health.get("models", ())
            for each in models:
                if each["state"] == "refused":
                    raise LinkError(f"{each['model']['name']}: {each['code']} {each['reason']}")
            return names <= {each["model"]["name"] for each in models if each["state"] == "active"}

        _wait(active, patience_s, say("the models to be active", "模型激活"))

    def wait_for_everything(self, station: str, records: int, patience_s: float) -> Arrived:
        """Return what has arrived, once ``records`` are there and the box says that nothing waits."""

        def all_here() -> bool:
            health = self._client.get(f"/api/v1/edges/{station}")["health"] or {}
            waits = any(health.get("backlog", {}).get(kind, 1) for kind in ("records", "samples", "images"))
            return self.arrived().records >= records and not waits

        _wait(all_here, patience_s, say(f"{records} results", f"{records} 条结果"))
        return self.arrived()

    def arrived(self) -> Arrived:
        """Count what is there."""
        counts = self._client.get("/api/v1/results/counts")
        samples = sum(
            len(self._client.get(f"/api/v1/datasets/{dataset['product']}"))
            for dataset in self._client.get("/api/v1/datasets")
        )
        return Arrived(counts["inspections"], samples, counts["images"], dict(counts["verdicts"]))


def _wait(holds: Callable[[], bool], patience_s: float, what: str) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise LinkError(
                say(f"waited {patience_s:g} s in vain for {what}", f"等待 {patience_s:g} 秒仍未得到：{what}")
            )
        time.sleep(POLL_S)
