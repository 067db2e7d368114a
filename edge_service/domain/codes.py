"""Every number that says why: in RESULT_CODE, COMMAND_RESULT, ERROR_CODE, WARNING_CODE, REJECT_REASON.

The hundreds tell the area (1 configuration and model, 2 PLC, 3 camera, 4 judgement, 5 disk, 6 links,
7 clock, 9 a bug of ours), x00-49 are errors and refusals, x50-99 warnings. 1000 and up belong to the
project. OPC UA methods return the negative number. ``docs/reference/codes.md`` is made from this file::

    explain(302).cause   # "The camera is gone: ..."
"""

from dataclasses import dataclass
from enum import IntEnum

from edge_service.errors import RefusedError
from edge_service.language import say

FIRST_PROJECT_CODE = 1000
_WARNINGS_FROM = 50


class Severity(IntEnum):
    """How bad: the larger, the worse. ERROR_CODE shows the worst uncleared one."""

    WARNING = 0  # clears itself
    REFUSAL = 1  # a trigger or command was not taken
    PART = 2  # one part was not judged
    FAULT = 3  # the station needs somebody
    BLOCKING = 4  # no part is taken until it is cleared


class Code(IntEnum):
    """The codes by name."""

    RECIPE_DIFFERS = 101
    NO_RECIPE = 102
    RECIPE_UNKNOWN = 103
    CONFIGURATION_REJECTED = 104
    NO_MODEL = 110
    SIGNATURE = 111
    SELF_TEST = 112
    COMMAND_UNKNOWN = 120
    COMMAND_PARAMETER = 121
    COMMAND_STATE = 122
    COMMAND_TIMEOUT = 123
    MODEL_ROLLED_BACK = 150
    NOT_ENABLED = 210
    OFFLINE = 211
    EXPOSING = 212
    IN_FLIGHT_FULL = 213
    BUFFER_FULL = 214
    COMMAND_RUNS = 215
    PLC_LOST = 216
    SOURCE_NOT_ALLOWED = 217
    NO_PART = 218
    BLOCKING_ERROR = 219
    ABORTED = 220
    LINK_LOST = 231
    SECOND_WRITER = 250
    NOT_ACKED = 251
    BIT_HELD = 252
    OVERRUN = 253
    NG_IN_A_ROW = 254
    GOLDEN_DUE = 255
    NO_FRAME = 301
    CAMERA_LOST = 302
    STALE_FRAME = 303
    IMAGE_UNUSABLE = 304
    INFERENCE = 401
    INSPECTION_TIMEOUT = 402
    SCORE_NOT_FINITE = 403
    GOLDEN_FAILED = 404
    UNDECIDED_BAND = 405
    ON_CPU = 450
    DRIFT = 451
    DISK_FULL = 501
    DISK_NEARLY_FULL = 550
    CORE_AWAY = 601
    GATEWAY_AWAY = 650
    SERVER_AWAY = 651
    CLOCK_UNSYNCHRONISED = 750
    BUG = 901


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means and what to do, in both languages."""

    severity: Severity
    cause_en: str
    remedy_en: str
    cause_zh: str
    remedy_zh: str

    @property
    def cause(self) -> str:
        """What happened, in the language in force."""
        return say(self.cause_en, self.cause_zh)

    @property
    def remedy(self) -> str:
        """What to do, in the language in force."""
        return say(self.remedy_en, self.remedy_zh)


W, R, P, F, B = Severity.WARNING, Severity.REFUSAL, Severity.PART, Severity.FAULT, Severity.BLOCKING

EXPLANATIONS: dict[Code, Explanation] = {
    Code.RECIPE_DIFFERS: Explanation(
        P, "EXPECTED_RECIPE is not the active recipe; the part was not judged.",
        "Select the recipe (command 1) before the trigger, or write 0 for any recipe.",
        "EXPECTED_RECIPE 与当前配方不一致；该件未判定。", "触发前先选择配方（命令 1），或写 0 表示任意配方。"),
    Code.NO_RECIPE: Explanation(
        R, "No recipe is active.", "Select a recipe (command 1), or set one for the start in the configuration.",
        "没有当前配方。", "选择配方（命令 1），或在配置中指定启动配方。"),
    Code.RECIPE_UNKNOWN: Explanation(
        R, "The recipe does not exist or cannot be used.",
        "Choose a number that the configuration lists, and check that its model is installed.",
        "配方不存在或不可用。", "选择配置中列出的编号，并确认其模型已安装。"),
    Code.CONFIGURATION_REJECTED: Explanation(
        F, "The new configuration was rejected; the running one stays.",
        "Run `okng-edge check-config`: it names file, line and key.",
        "新配置被拒绝；仍使用原配置。", "运行 `okng-edge check-config`：会指出文件、行和键。"),
    Code.NO_MODEL: Explanation(
        F, "There is no usable model.", "Install and activate one: `okng-edge model install FILE`.",
        "没有可用的模型。", "安装并激活模型：`okng-edge model install FILE`。"),
    Code.SIGNATURE: Explanation(
        F, "The model package is not signed by anybody this station trusts, or was changed since.",
        "Fetch it again from the training server, or trust its key: `okng-edge trust add FILE`.",
        "模型包的签名不受信任，或签名后被改动。", "从训练服务器重新获取，或信任其密钥：`okng-edge trust add FILE`。"),
    Code.SELF_TEST: Explanation(
        F, "The model does not judge its own golden images as it should on this box; the old one stays.",
        "Run `okng-edge doctor`; check the GPU driver, or train and export the model again.",
        "模型在本机上对自带标准图像的判定不符；仍使用旧模型。", "运行 `okng-edge doctor`；检查 GPU 驱动，或重新训练导出。"),
    Code.COMMAND_UNKNOWN: Explanation(
        R, "COMMAND holds a number that is no command.", "Use 1-8, or a project command 100-199.",
        "COMMAND 中的编号不是命令。", "使用 1-8，或项目命令 100-199。"),
    Code.COMMAND_PARAMETER: Explanation(
        R, "A parameter of the command is out of range.", "Check PARAM 1-4 against the command's description.",
        "命令参数超出范围。", "对照命令说明检查 PARAM 1-4。"),
    Code.COMMAND_STATE: Explanation(
        R, "The command cannot be carried out in this state.", "Look at OFFLINE_REASON and STATE_NUMBER, then try again.",
        "当前状态下无法执行该命令。", "查看 OFFLINE_REASON 与 STATE_NUMBER 后重试。"),
    Code.COMMAND_TIMEOUT: Explanation(
        R, "The command did not end in time; the old state stays.",
        "Try again; if it lasts, look at the station's log, or give it more time in the configuration.",
        "命令超时；保持原状态。", "重试；若仍如此，查看工位日志，或在配置中延长时间。"),
    Code.MODEL_ROLLED_BACK: Explanation(
        W, "The station went back to the model version before by itself: the newer one failed here.",
        "`okng-edge model history NAME` says why. Install a better version, or accept the one in use: "
        "`okng-edge model activate NAME VERSION`.",
        "新模型版本在本机失败，工位已自行退回上一版本。",
        "`okng-edge model history NAME` 会说明原因。安装更好的版本，或用 "
        "`okng-edge model activate NAME VERSION` 确认当前版本。"),
    Code.NOT_ENABLED: Explanation(
        R, "TriggerEnable is 0.", "Write TriggerEnable 1 first.", "TriggerEnable 为 0。", "先写 TriggerEnable 1。"),
    Code.OFFLINE: Explanation(
        R, "The station is offline.", "OFFLINE_REASON tells why: end maintenance, or write SetOffline 0.",
        "工位离线。", "原因见 OFFLINE_REASON：结束维护，或写 SetOffline 0。"),
    Code.EXPOSING: Explanation(
        R, "The part before is still being exposed.", "Trigger only while TriggerReady is 1.",
        "前一件仍在曝光。", "仅在 TriggerReady 为 1 时触发。"),
    Code.IN_FLIGHT_FULL: Explanation(
        R, "Two parts are in flight already.", "Trigger only while TriggerReady is 1; the line is faster than the judgement.",
        "已有两件在途。", "仅在 TriggerReady 为 1 时触发；节拍快于判定。"),
    Code.BUFFER_FULL: Explanation(
        R, "The PLC has not taken its results: the queue is full.", "Acknowledge results, or write BufferClear.",
        "PLC 未取走结果：队列已满。", "确认结果，或写 BufferClear。"),
    Code.COMMAND_RUNS: Explanation(
        R, "A command is executing.", "Wait for CommandCompleted or CommandFailed.",
        "命令执行中。", "等待 CommandCompleted 或 CommandFailed。"),
    Code.PLC_LOST: Explanation(
        R, "The PLC's heartbeat stands still.", "Make PLC_HEARTBEAT change at least once a second, or set plc_heartbeat: off.",
        "PLC 心跳停止。", "使 PLC_HEARTBEAT 至少每秒变化一次，或设置 plc_heartbeat: off。"),
    Code.SOURCE_NOT_ALLOWED: Explanation(
        R, "A PLC owns the station, and this source may not trigger beside it.",
        "List the source under trigger.sources, or write TriggerEnable 0 first.",
        "工位由 PLC 占用，该来源不得触发。", "在 trigger.sources 中列出该来源，或先写 TriggerEnable 0。"),
    Code.NO_PART: Explanation(
        R, "PartPresent is 0, and the configuration asks for it.", "Check the part sensor, or set require_part_present: false.",
        "PartPresent 为 0，而配置要求工件到位。", "检查到位传感器，或设置 require_part_present: false。"),
    Code.BLOCKING_ERROR: Explanation(
        R, "An uncleared error forbids judging.", "Look at ERROR_CODE, mend its cause, then write ClearError.",
        "存在未清除的错误，禁止判定。", "查看 ERROR_CODE，排除原因后写 ClearError。"),
    Code.ABORTED: Explanation(
        P, "The part was aborted by Abort, Halt or Reset.", "Treat the part as not OK; start again when Ready.",
        "该件被 Abort、Halt 或 Reset 中止。", "按非 OK 处理该件；就绪后重新开始。"),
    Code.LINK_LOST: Explanation(
        F, "The link to the PLC is lost.", "Check cable, address and the PLC's Modbus server.",
        "与 PLC 的连接丢失。", "检查电缆、地址和 PLC 的 Modbus 服务器。"),
    Code.SECOND_WRITER: Explanation(
        W, "A second master tried to write while another one owns the registers.",
        "Let only one master write; others may read.",
        "另一主站占用寄存器时有第二主站尝试写入。", "只允许一个主站写入；其他只读。"),
    Code.NOT_ACKED: Explanation(
        W, "A result waits for its ack.", "Check the PLC program: ResultsAck, or RESULT_ACK_ID, a changed value that equals INSPECTION_ID.",
        "结果等待确认。", "检查 PLC 程序：ResultsAck，或与 INSPECTION_ID 相等且发生变化的 RESULT_ACK_ID。"),
    Code.BIT_HELD: Explanation(
        W, "The PLC holds a handshake bit long after its answer.", "Write the bit 0 once its answer is there.",
        "PLC 在得到应答后仍长时间保持握手位。", "得到应答后把该位写 0。"),
    Code.OVERRUN: Explanation(
        W, "A result was dropped before the PLC took it.", "Acknowledge faster, or use the buffered profile.",
        "有结果在 PLC 取走前被丢弃。", "加快确认，或使用缓存模式。"),
    Code.NG_IN_A_ROW: Explanation(
        W, "Too many parts in a row were not OK.", "Look at the parts, the lighting and the lens, then write AlarmAck.",
        "连续非 OK 过多。", "检查工件、光源和镜头，然后写 AlarmAck。"),
    Code.GOLDEN_DUE: Explanation(
        W, "The golden test is due.", "Put in the golden sample and run command 2.",
        "需要进行标准样件测试。", "放入标准样件并执行命令 2。"),
    Code.NO_FRAME: Explanation(
        P, "No frame came within the exposure time-out.", "Check the camera's cable, its trigger mode and exposure_timeout.",
        "曝光超时内未收到图像。", "检查相机电缆、触发模式和 exposure_timeout。"),
    Code.CAMERA_LOST: Explanation(
        F, "The camera is gone.", "Check power, cable and address; `okng-edge doctor` lists what answers.",
        "相机丢失。", "检查电源、电缆和地址；`okng-edge doctor` 会列出有应答的相机。"),
    Code.STALE_FRAME: Explanation(
        P, "The only frame on offer was exposed before its trigger.", "Set the source's latency_ms, or use a triggered camera.",
        "仅有的图像在触发前曝光。", "设置图像源的 latency_ms，或使用可触发相机。"),
    Code.IMAGE_UNUSABLE: Explanation(
        P, "The image cannot be judged: broken, too dark, too bright or of the wrong size.",
        "Look at the last frame; check lighting, lens cap and exposure.",
        "图像无法判定：损坏、过暗、过亮或尺寸不符。", "查看最近图像；检查光源、镜头盖和曝光。"),
    Code.INFERENCE: Explanation(
        P, "The model failed on a frame.", "Run `okng-edge doctor`; if it lasts, roll the model back (command 6).",
        "模型推理失败。", "运行 `okng-edge doctor`；若持续，回滚模型（命令 6）。"),
    Code.INSPECTION_TIMEOUT: Explanation(
        P, "The part was not judged within the inspection time-out; a late score was discarded.",
        "Check the box's load and temperature, or raise inspection_timeout.",
        "未在检测超时内完成判定；迟到的分数已丢弃。", "检查本机负载和温度，或增大 inspection_timeout。"),
    Code.SCORE_NOT_FINITE: Explanation(
        P, "The score is not a finite number.", "Roll the model back (command 6), and train it again.",
        "分数不是有限数。", "回滚模型（命令 6），并重新训练。"),
    Code.GOLDEN_FAILED: Explanation(
        F, "The golden test failed.", "Clean lens and golden sample, check the lighting, then repeat command 2.",
        "标准样件测试失败。", "清洁镜头和样件，检查光源，然后重复命令 2。"),
    Code.UNDECIDED_BAND: Explanation(
        P, "The score lies in the undecided band around the threshold.", "Let a person look at the part.",
        "分数落在阈值附近的未定区间。", "由人工复检该件。"),
    Code.ON_CPU: Explanation(
        W, "The model runs on the CPU instead of its device.", "Run `okng-edge doctor` for the GPU's driver and groups.",
        "模型退回 CPU 运行。", "运行 `okng-edge doctor` 检查 GPU 驱动和用户组。"),
    Code.DRIFT: Explanation(
        W, "Good parts score higher than they used to.", "Look at lighting, lens and parts; collect samples and train again.",
        "良品分数较以往升高。", "检查光源、镜头和工件；采样并重新训练。"),
    Code.DISK_FULL: Explanation(
        F, "The disk is full: results and images are not kept. Judging goes on.", "Free some space, or lower the retention.",
        "磁盘已满：结果和图像未保存。判定继续。", "释放空间，或缩短保留时间。"),
    Code.DISK_NEARLY_FULL: Explanation(
        W, "The disk is nearly full.", "Free some space, or lower the retention.",
        "磁盘即将写满。", "释放空间，或缩短保留时间。"),
    Code.CORE_AWAY: Explanation(
        F, "The core process does not answer the gateway.", "Look at `systemctl status okng-edge`.",
        "核心进程未应答网关。", "查看 `systemctl status okng-edge`。"),
    Code.GATEWAY_AWAY: Explanation(
        W, "The gateway process is away: no OPC UA, no screen. Judging goes on.", "Look at `systemctl status okng-gateway`.",
        "网关进程离线：无 OPC UA 和画面。判定继续。", "查看 `systemctl status okng-gateway`。"),
    Code.SERVER_AWAY: Explanation(
        W, "The training server does not answer; results wait on this box.", "Check network and server; nothing is lost meanwhile.",
        "训练服务器无应答；结果暂存本机。", "检查网络和服务器；期间不会丢失数据。"),
    Code.CLOCK_UNSYNCHRONISED: Explanation(
        W, "The station's clock is not synchronised.", "Set up NTP, or write the time with command 8.",
        "工位时钟未同步。", "配置 NTP，或用命令 8 写入时间。"),
    Code.BUG: Explanation(
        B, "A bug of ours.", "Write ClearError; send the station's log to whoever maintains it.",
        "程序内部错误。", "写 ClearError；把工位日志发给维护者。"),
}  # fmt: skip


def severity(code: int) -> Severity:
    """Return how bad a code is, the project's own codes (1000 and up) included."""
    if code in EXPLANATIONS:
        return EXPLANATIONS[Code(code)].severity
    return Severity.WARNING if code % 100 >= _WARNINGS_FROM else Severity.FAULT


def explain(code: int) -> Explanation | None:
    """Return cause and remedy, None for a code that is not in the table (1000 and up: the project's)."""
    return EXPLANATIONS[Code(code)] if code in EXPLANATIONS else None


def refusal(code: int) -> RefusedError:
    """Return the error that says why a trigger or command was refused, and what to do."""
    text = explain(code)
    if text is None:
        return RefusedError(code, say("a code of the project", "项目自定代码"))
    return RefusedError(code, text.cause, remedy=text.remedy)
