"""Every verb that asks the server answers programs too: one JSON document under ``--json``."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from edge_service.contract import routes
from edge_service.contract.model_package import build_package
from tests.integration.server.test_edge_api import record
from tests.support.process import ROOT
from tests.support.tiny_model import tiny_package
from tests.support.training_server import TrainingServer, photograph
from trainer.access import Role
from trainer.cli import app
from trainer.cli.table import moment, tell_whole
from trainer.jobs import NewJob

DOCUMENTS_THEMSELVES = {"config example", "config schema", "serve", "worker"}
"""They print a file's text, or run until they are ended."""
WITHOUT_A_SERVER = {"train", "package", "weights", "teacher pretrain", "config check"}
VERBS = (
    "edges code",
    "edges list",
    "datasets add told PICTURES",
    "datasets list",
    "datasets show told",
    "datasets sheet told --out FOLDER/told.png",
    "datasets leave-out told 1",
    "datasets leave-out told 1 --back",
    "results list",
    "results count",
    "results show line-told-7-1",
    "people add carl",
    "people list",
    "people remove carl",
    "jobs start told",
    "jobs list",
    "jobs cancel JOB",
    "jobs log JOB",
    "models add FOLDER/nut.okng",
    "models list",
    "models show nut",
    "models fetch nut --out FOLDER",
    "models assign nut line-told 1",
    "models assignments",
    "models withdraw line-told 1",
    "edges revoke line-told",
)
WATCHED = "jobs watch"
"""It prints a line of JSON for each event."""
SAY_ALL = """
import sys
from trainer.cli import main
sys.stderr = sys.stdout
for verb in sys.argv[1:]:
    try:
        main([*verb.split(), "--json"])
    except SystemExit as end:
        print("\f", end.code or 0, sep="", end="\f")
"""


def leaves(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every verb of the command tree by its words."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, TyperGroup):
            yield from leaves(command, words)
        else:
            yield words, command


def say_all(server: TrainingServer, *verbs: str) -> list[tuple[str, int]]:
    """Run verbs with --json in one process of their own; return what each printed, and its code."""
    token = server.rooms.people.add(f"cli {verbs[0]}", Role.ADMIN)
    done = subprocess.run(
        [sys.executable, "-c", SAY_ALL, *verbs],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OKNG_SERVER": server.url, "OKNG_TOKEN": token},
    )
    parts = done.stdout.split("\f")
    return list(zip(parts[:-1:2], map(int, parts[1::2]), strict=True))


def test_every_verb_takes_json():
    """The whole command tree is walked: a verb without ``--json`` is a verb that programs cannot use."""
    mute = {
        words
        for words, command in leaves(typer.main.get_command(app))
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert mute == DOCUMENTS_THEMSELVES


def test_every_verb_of_a_server_is_tried_here():
    """A new verb that asks the server has to join the list below, or this fails."""
    tree = {words for words, _ in leaves(typer.main.get_command(app))}
    tried = {" ".join(verb.split()[:2]) for verb in VERBS} | {WATCHED}
    assert tree - DOCUMENTS_THEMSELVES - WITHOUT_A_SERVER == tried


def test_verbs_answer_in_json(server: TrainingServer, tmp_path: Path):
    """``--json`` prints one JSON document and nothing else."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "1.png").write_bytes(photograph(1)[1])
    (tmp_path / "nut.okng").write_bytes(build_package(*tiny_package("nut", "1"), server.key))
    body = {"format_version": 1, "records": [record("line-told", 1, boot_id=7)]}
    assert server.box("line-told").post(routes.INSPECTIONS, json=body).status_code == 200
    job = server.rooms.jobs.add(NewJob("told", {}, "anna")).id
    places = {"PICTURES": f"{tmp_path}/pictures", "FOLDER": str(tmp_path), "JOB": str(job)}
    asked = []
    for verb in VERBS:
        for word, meant in places.items():
            verb = verb.replace(word, meant)  # noqa: PLW2901 - the same verb, spelt out
        asked.append(verb)
    told = say_all(server, *asked)
    assert [verb for verb, (_, code) in zip(VERBS, told, strict=True) if code] == []
    for verb, (text, _) in zip(VERBS, told, strict=True):
        assert isinstance(json.loads(text), list | dict), verb
    assert (tmp_path / "told.png").exists()
    assert (tmp_path / "nut-1.okng").read_bytes() == (tmp_path / "nut.okng").read_bytes()


def test_jobs_watch_prints_a_line_of_json_for_each_event(server: TrainingServer):
    """``jobs watch --json`` follows to the end; a job that did not succeed gives exit code 2."""
    number = server.rooms.jobs.add(NewJob("followed", {}, "anna")).id
    server.rooms.jobs.cancel(number)
    ((text, code),) = say_all(server, f"jobs watch {number}")
    assert code == 2
    lines = [line for line in text.splitlines() if line.startswith("{")]
    assert [json.loads(line)["state"] for line in lines] == ["queued", "cancelled"]


SETTINGS = {
    "layers=1 --set algorithm=stfpm": "",
    "layers=1,2 --set algorithm=stfpm": "",
    "layers=1": "--algorithm stfpm",
    "false_reject_rate=2%": "",
    "size": "KEY=VALUE",
    "sise=320": "there are: weights",
    "size=300": "multiple of 16",
    "size=large": "size: Input should be",
    "layers=2,3": "1,2,3",
}


def test_a_setting_is_taken_as_train_takes_it_or_taught(server: TrainingServer):
    """``jobs start --set``: spelt as for ``okng-trainer train``; else a refusal that says what there is."""
    engineer = server.person(Role.ENGINEER)
    assert engineer.post("/api/v1/datasets/set/samples", content=photograph(1)[1]).status_code == 201
    told = say_all(server, *(f"jobs start set --set {setting}" for setting in SETTINGS))
    for (setting, refusal), (text, code) in zip(SETTINGS.items(), told, strict=True):
        assert code == (2 if refusal else 0), f"{setting}: {text}"
        assert refusal in text, setting


def test_a_whole_record_is_shown_to_people_line_by_line(capsys: pytest.CaptureFixture[str]):
    """Every value with its dotted name, moments as people read them, nothing for what is empty."""
    tell_whole(
        {"id": "a-1-1", "received_at": 0.0, "record": {"score": 0.5, "images": [], "x": None}}, as_json=False
    )
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines == {"id": "a-1-1", "received_at": moment(0.0), "record.score": "0.5"}
