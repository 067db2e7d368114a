"""A real training server as a process of its own, asked by its local admin over HTTP."""

from pathlib import Path
from typing import Any

import httpx

from tests.support.process import Service

YAML = "server: {data_dir: data, http: {port: 0}}\nstorage: {keep_free_mb: 0}\n"


class Plant:
    """Runs in ``folder`` from the start to ``close``; ``more`` goes into its trainer.yaml."""

    def __init__(self, folder: Path, more: str = "") -> None:
        folder.mkdir(exist_ok=True)
        (folder / "trainer.yaml").write_text(YAML + more)
        self.folder, self.data = folder, folder / "data"
        self.process = Service(folder, "serve", "--config", "trainer.yaml", module="trainer")
        self.url = f"http://{self.process.line('ready http=')}"
        token = (self.data / "admin.token").read_text().strip()
        self.admin = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )

    def ask(self, path: str) -> Any:
        """Return what the server says there."""
        answer = self.admin.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def code(self) -> str:
        """Make a one-time code."""
        return str(self.admin.post("/api/v1/edges/codes", json={"station": "line-1"}).json()["code"])

    def close(self) -> None:
        """Leave nothing behind."""
        self.admin.close()
        self.process.close()
