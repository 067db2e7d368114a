"""The demo from beginning to end: collect, train, install, inspect, report."""

import json
import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from edge_service.domain.inspection import Verdict
from edge_service.language import say
from edge_service.simulation import PlannedPart
from trainer.demo import contact_sheet
from trainer.demo.heat_maps import HeatMaps
from trainer.demo.plant import DEFECTIVE, GOOD, PRODUCTS, DemoProduct, Plant
from trainer.demo.processes import Process, ProcessFailedError
from trainer.demo.report import ProductReport, Sorted, closing_table, write_summary

START_TIMEOUT_S = 180.0
TRAIN_TIMEOUT_S = 300.0
STEP_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Addresses:
    modbus: str
    http: str


class Show:
    """One run of the demo into the folder ``out``, with the parts of ``seed``."""

    def __init__(self, out: Path, seed: int) -> None:
        self._plant = Plant(out.resolve(), seed)
        self._console = Console(highlight=False)

    def run(self, *, keep: bool) -> None:
        """Do everything; raises OkngError with the log's tail when a step fails."""
        began = time.monotonic()
        for folder in (self._plant.work, self._plant.logs):
            shutil.rmtree(folder, ignore_errors=True)
        self._plant.build()
        self._collect()
        reports = [ProductReport(product.name, self._train(product)) for product in PRODUCTS]
        self._install()
        self._heading(say("Start the station", "启动工位"))
        with self._process("station", "edge_service", "run", "--config", str(self._plant.running)) as station:
            addresses = self._wait_until_ready(station)
            self._inspect(addresses, reports)
            self._finish(reports, time.monotonic() - began)
            if keep:
                self._stay(addresses)

    def _process(self, name: str, module: str, *arguments: str) -> Process:
        return Process(name, module, *arguments, log_folder=self._plant.logs)

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]")

    def _collect(self) -> None:
        self._heading(say("Photograph good parts", "拍摄良品"))
        for product in PRODUCTS:
            arguments = ("collect", str(product.photographs), str(self._plant.photographs(product)))
            options = ("--recipe", str(product.recipe), "--config", str(self._plant.collecting))
            with self._process(f"collect-{product.name}", "edge_service", *arguments, *options) as collect:
                for line in collect.lines():
                    self._console.print(f"  {line}", soft_wrap=True)
                collect.finish(STEP_TIMEOUT_S)
        self._plant.forget_shown()

    def _train(self, product: DemoProduct) -> float:
        """Train one model with the command line that a user would type; return its seconds."""
        self._heading(
            say(
                f"Train {product.name} from {product.photographs} photographs",
                f"用 {product.photographs} 张照片训练 {product.name}",
            )
        )
        command = ("train", str(self._plant.photographs(product)), "--name", product.name, "--version", "1")
        options = ("--out", str(self._plant.out), "--key", str(self._plant.signing_key), "--json")
        with (
            self._console.status(say("learning what good looks like ...", "正在学习良品的样子 ...")),
            self._process(f"train-{product.name}", "trainer", *command, *options) as train,
        ):
            answer = "\n".join(train.lines())
            train.finish(TRAIN_TIMEOUT_S)
        facts: dict[str, Any] = json.loads(answer)
        self._console.print(
            say(
                f"  {facts['train_s']:.0f} s, {facts['latency_ms']:.1f} ms a judgement, {facts['picture']}",
                f"  {facts['train_s']:.0f} 秒，每次判定 {facts['latency_ms']:.1f} 毫秒，{facts['picture']}",
            ),
            soft_wrap=True,
        )
        for warning in facts["warnings"]:
            self._console.print(f"  [yellow]! {warning}[/]")
        return float(facts["train_s"])

    def _install(self) -> None:
        self._heading(say("Install both models on the edge", "在边缘机上安装两个模型"))
        config = ("--config", str(self._plant.running))
        self._step("trust", "trust", "add", str(self._plant.public_key), *config)
        for product in PRODUCTS:
            package = self._plant.out / f"{product.name}-1.okng"
            self._step(f"install-{product.name}", "model", "install", str(package), *config)

    def _step(self, name: str, *arguments: str) -> None:
        with self._process(name, "edge_service", *arguments) as step:
            for line in step.lines():
                self._console.print(f"  {line}", soft_wrap=True)
            step.finish(STEP_TIMEOUT_S)

    def _wait_until_ready(self, station: Process) -> _Addresses:
        with self._console.status(say("models are loaded and tested ...", "加载并自检模型 ...")):
            lines = [station.wait_for(("gateway ", "ready "), START_TIMEOUT_S) for _ in range(2)]
        station.drain()
        found = dict(re.findall(r"(modbus|http)=(\S+)", " ".join(lines)))
        addresses = _Addresses(found["modbus"], found["http"])
        self._console.print(f"  Modbus {addresses.modbus}   http://{addresses.http}/")
        return addresses

    def _inspect(self, addresses: _Addresses, reports: list[ProductReport]) -> None:
        self._heading(say("A PLC triggers, part by part", "PLC 逐件触发"))
        by_recipe = dict(zip((product.recipe for product in PRODUCTS), reports, strict=True))
        batches = [f"{product.recipe}={GOOD + DEFECTIVE}" for product in PRODUCTS]
        with self._process("plc", "trainer.demo.plc", addresses.modbus, *batches) as plc:
            for line in plc.lines():
                seen = json.loads(line)
                report = by_recipe[seen["recipe"]]
                if "missed_triggers" in seen:
                    report.missed_triggers = seen["missed_triggers"]
                else:
                    report.parts.append(self._part(seen))
                    self._show_part(seen["serial"], report.parts[-1])
            plc.finish(STEP_TIMEOUT_S)

    def _part(self, seen: dict[str, Any]) -> Sorted:
        """Set what the PLC read beside what the camera had shown for that exposure."""
        part = self._shown(int(seen["captured_ms"]))
        if part is None or not seen["own"]:
            raise ProcessFailedError(
                say(f"the PLC read a result of another part: {seen}", f"PLC 读到了其他零件的结果：{seen}")
            )
        return Sorted(
            product=part.product,
            defect=part.defect,
            part_seed=part.seed,
            verdict=Verdict(seen["verdict"]),
            score=float(seen["score"]),
            latency_ms=float(seen["latency_ms"]),
        )

    def _shown(self, captured_ms: int) -> PlannedPart | None:
        """The part of that exposure; the camera writes its record just after the answer, so look twice."""
        for _ in range(20):
            if part := self._plant.shown().get(captured_ms):
                return part
            time.sleep(0.05)
        return None

    def _show_part(self, serial: str, part: Sorted) -> None:
        colour = "green" if part.verdict is Verdict.OK else "red"
        truth = (part.defect or say("good", "良品")).replace("_", " ")
        mark = "" if part.right else say("   [yellow]<- wrong[/]", "   [yellow]<- 判错[/]")
        self._console.print(
            f"  {part.product:<6}{serial}  [{colour}]{part.verdict.name:<9}[/] {part.score:5.2f}"
            f"  {part.latency_ms:6.1f} ms   {truth}{mark}"
        )

    def _finish(self, reports: list[ProductReport], took_s: float) -> None:
        self._heading(say("Draw the contact sheet", "绘制总览图"))
        sheet = self._plant.out / "contact-sheet.png"
        contact_sheet.write(sheet, [section for report in reports for section in self._sections(report)])
        summary = self._plant.out / "summary.json"
        write_summary(summary, self._plant.seed, reports, {"seconds": round(took_s, 1)})
        self._console.print()
        self._console.print(closing_table(reports))
        self._console.print(f"\n{sheet}\n{summary}", soft_wrap=True)

    def _sections(self, report: ProductReport) -> list[tuple[str, list[contact_sheet.Cell]]]:
        with HeatMaps(self._plant.store, report.product) as maps:
            return [
                (f"{report.product}: {title}", [maps.cell(part) for part in parts])
                for title, parts in (("good parts", report.good()), ("defective parts", report.defective()))
            ]

    def _stay(self, addresses: _Addresses) -> None:
        self._heading(say("The station stays; Ctrl-C ends it", "工位保持运行；Ctrl-C 结束"))
        self._console.print(
            say(
                f"  status page  http://{addresses.http}/\n"
                f"  Modbus TCP   {addresses.modbus} (docs/reference/registers.md)\n"
                f"  its files    {self._plant.work}",
                f"  状态页面     http://{addresses.http}/\n"
                f"  Modbus TCP   {addresses.modbus}（docs/reference/registers.md）\n"
                f"  文件         {self._plant.work}",
            ),
            soft_wrap=True,
        )
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
