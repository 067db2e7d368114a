"""The demo from beginning to end: enrol, collect, upload, train, deliver, inspect, report."""

import json
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from edge_service.domain.inspection import Verdict
from edge_service.language import say
from edge_service.simulation import PlannedPart
from trainer.demo import contact_sheet
from trainer.demo.headquarters import Arrived, Headquarters
from trainer.demo.heat_maps import HeatMaps
from trainer.demo.plant import DEFECTIVE, GOOD, PRODUCTS, STATION, DemoProduct, Plant
from trainer.demo.processes import Process, ProcessFailedError
from trainer.demo.report import ProductReport, Sorted, arrival_table, closing_table, write_summary

START_TIMEOUT_S = 180.0
STEP_TIMEOUT_S = 120.0
VERSION = "1"


@dataclass(frozen=True, slots=True)
class _Addresses:
    modbus: str
    http: str
    server: str


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
        with ExitStack() as processes:
            server = self._start_the_server(processes)
            self._enrol(server)
            self._collect()
            self._heading(say("Start the station; it has no model yet", "启动工位（尚无模型）"))
            command = ("run", "--config", str(self._plant.running))
            station = processes.enter_context(self._process("station", "edge_service", *command))
            http = station.wait_for("gateway http=", START_TIMEOUT_S).removeprefix("gateway http=")
            self._console.print(f"  http://{http}/")
            reports = [ProductReport(product.name, self._train(server, product)) for product in PRODUCTS]
            addresses = _Addresses(self._deliver(server, station), http, server.url)
            self._inspect(addresses, reports)
            arrived = self._results(server, reports)
            self._finish(reports, arrived, time.monotonic() - began)
            if keep:
                self._stay(addresses)

    def _process(self, name: str, module: str, *arguments: str) -> Process:
        return Process(name, module, *arguments, log_folder=self._plant.logs)

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]")

    def _start_the_server(self, processes: ExitStack) -> Headquarters:
        self._heading(say("Start the training server and its worker", "启动训练服务器和工作进程"))
        config = ("--config", str(self._plant.server))
        serving = processes.enter_context(self._process("server", "trainer", "serve", *config))
        address = serving.wait_for("ready http=", START_TIMEOUT_S).removeprefix("ready http=")
        serving.drain()
        working = processes.enter_context(self._process("worker", "trainer", "worker", *config))
        working.wait_for("ready ", START_TIMEOUT_S)
        working.drain()
        self._console.print(f"  http://{address}/")
        return Headquarters(f"http://{address}", self._plant.server_folder)

    def _enrol(self, server: Headquarters) -> None:
        self._heading(say("Enrol the box with a one-time code", "用一次性注册码注册边缘机"))
        self._step("enrol", "enrol", server.url, server.code(STATION), "--config", str(self._plant.running))

    def _collect(self) -> None:
        self._heading(say("Photograph good parts for the server", "拍摄良品并上传"))
        for product in PRODUCTS:
            options = ("--recipe", str(product.recipe), "--config", str(self._plant.collecting))
            self._step(f"collect-{product.name}", "collect", str(product.photographs), *options)
        self._plant.forget_shown()

    def _train(self, server: Headquarters, product: DemoProduct) -> float:
        """Train one model by a job, and want it on the box; return the job's seconds."""
        self._heading(
            say(
                f"Train {product.name} from {product.photographs} photographs, by a job",
                f"用 {product.photographs} 张照片训练 {product.name}（任务）",
            )
        )
        server.wait_for_samples(product.name, product.photographs, STEP_TIMEOUT_S)
        with self._console.status(say("waiting for the worker ...", "等待工作进程 ...")) as status:
            job = server.train(product.name, VERSION, lambda *now: status.update("{} {}/{}".format(*now)))
        train_s = float(job["ended_at"] - job["started_at"])
        picture = self._plant.out / f"{product.name}-{VERSION}.png"
        picture.write_bytes(server.picture(job["id"]))
        self._console.print(
            say(f"  {train_s:.0f} s, {picture}", f"  {train_s:.0f} 秒，{picture}"), soft_wrap=True
        )
        server.assign(product.name, VERSION, STATION, product.recipe)
        return train_s

    def _deliver(self, server: Headquarters, station: Process) -> str:
        """Wait until the box has fetched, tested and activated both models; return its Modbus address."""
        self._heading(
            say("The box fetches, tests and activates both models", "边缘机获取、自检并激活两个模型")
        )
        with self._console.status(say("golden images are judged ...", "判定标准图像 ...")):
            modbus = station.wait_for("ready modbus=", START_TIMEOUT_S).removeprefix("ready modbus=")
            station.drain()
            server.wait_until_active(STATION, {product.name for product in PRODUCTS}, START_TIMEOUT_S)
        self._console.print(f"  Modbus {modbus}")
        return modbus

    def _results(self, server: Headquarters, reports: list[ProductReport]) -> Arrived:
        self._heading(say("Results and pictures reach the server", "结果和图像到达服务器"))
        parts = sum(len(report.parts) for report in reports)
        arrived = server.wait_for_everything(STATION, parts, STEP_TIMEOUT_S)
        verdicts = ", ".join(f"{number} {verdict}" for verdict, number in arrived.verdicts.items())
        self._console.print(f"  {verdicts}")
        return arrived

    def _step(self, name: str, *arguments: str) -> None:
        with self._process(name, "edge_service", *arguments) as step:
            for line in step.lines():
                self._console.print(f"  {line}", soft_wrap=True)
            step.finish(STEP_TIMEOUT_S)

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

    def _finish(self, reports: list[ProductReport], arrived: Arrived, took_s: float) -> None:
        self._heading(say("Draw the contact sheet", "绘制总览图"))
        sheet = self._plant.out / "contact-sheet.png"
        contact_sheet.write(sheet, [section for report in reports for section in self._sections(report)])
        summary = self._plant.out / "summary.json"
        more = {"server": arrived.as_json(), "seconds": round(took_s, 1)}
        write_summary(summary, self._plant.seed, reports, more)
        self._console.print()
        self._console.print(closing_table(reports))
        self._console.print(arrival_table(arrived, sum(len(report.parts) for report in reports)))
        self._console.print(f"\n{sheet}\n{summary}", soft_wrap=True)

    def _sections(self, report: ProductReport) -> list[tuple[str, list[contact_sheet.Cell]]]:
        with HeatMaps(self._plant.store, report.product) as maps:
            return [
                (f"{report.product}: {title} (0.50 is the threshold)", [maps.cell(part) for part in parts])
                for title, parts in (("good parts", report.good()), ("defective parts", report.defective()))
            ]

    def _stay(self, addresses: _Addresses) -> None:
        self._heading(say("Everything stays; Ctrl-C ends it", "全部保持运行；Ctrl-C 结束"))
        lines = {
            say("status page", "状态页面"): f"http://{addresses.http}/",
            "Modbus TCP": f"{addresses.modbus} (docs/reference/registers.md)",
            say("training server", "训练服务器"): addresses.server,
            say("ask it", "查询"): f"okng-trainer results list --config {self._plant.server}",
            say("log", "日志"): str(self._plant.logs),
            say("files", "文件"): str(self._plant.work),
        }
        for name, value in lines.items():
            self._console.print(f"  {name:<16} {value}", soft_wrap=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
