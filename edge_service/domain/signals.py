"""The one table of what PLC and station tell each other.

Everything that shows a signal is made from this table: the Modbus words (``fieldbus/registers.py``),
``docs/reference/registers.md``, the tag list a PLC programmer imports, and the OPC UA ``PLC/`` folder.
A signal is declared here and nowhere else::

    BY_NAME["Result.Verdict"].address   # 13, in Block.STATION

Words and bits that no row names are reserved: they read 0 and ignore writes.
"""

from collections.abc import Mapping
from types import MappingProxyType

from edge_service.domain.signal import Block, Kind, Signal

MAP_VERSION = 1
TEST_TEXT = "AB"  # word 0x4142: lets a PLC programmer see the order of characters
TEST_U32 = 0x01020304  # lets a PLC programmer see the order of words and bytes


def _command_bit(name: str, address: int, bit: int, en: str, zh: str) -> Signal:
    return Signal(f"Command.{name}", Block.COMMAND, address, Kind.BIT, en, zh, bit=bit)


def _command(name: str, address: int, en: str, zh: str) -> Signal:
    return Signal(f"Command.{name}", Block.COMMAND, address, Kind.U16, en, zh)


def _bit(name: str, address: int, bit: int, en: str, zh: str) -> Signal:
    return Signal(name, Block.STATION, address, Kind.BIT, en, zh, bit=bit)


def _u16(name: str, address: int, en: str, zh: str, unit: str = "") -> Signal:
    return Signal(name, Block.STATION, address, Kind.U16, en, zh, unit=unit)


def _u32(name: str, address: int, en: str, zh: str, unit: str = "") -> Signal:
    return Signal(name, Block.STATION, address, Kind.U32, en, zh, words=2, unit=unit)


def _f32(name: str, address: int, en: str, zh: str) -> Signal:
    return Signal(name, Block.STATION, address, Kind.F32, en, zh, words=2)


def _text(name: str, address: int, words: int, en: str, zh: str) -> Signal:
    return Signal(name, Block.STATION, address, Kind.TEXT, en, zh, words=words)


COMMAND_SIGNALS = (
    _command_bit("TriggerEnable", 0, 0, "1 = triggers may come; take the line into operation", "1 = 允许触发；产线投入运行"),
    _command_bit("Trigger", 0, 1, "Bit mode: 0->1 takes a part; hold until TriggerAck or MissedAcquisition", "位模式：0->1 触发一件；保持到 TriggerAck 或 MissedAcquisition"),
    _command_bit("BufferResultsEnable", 0, 2, "Read when TriggerEnable rises: 1 = buffered, 0 = unbuffered results", "TriggerEnable 上升时读取：1 = 缓存结果，0 = 不缓存"),
    _command_bit("ResultsAck", 0, 3, "Bit mode: 0->1 takes the result; hold until ResultsValid is 0", "位模式：0->1 取走结果；保持到 ResultsValid 为 0"),
    _command_bit("ExecuteCommand", 0, 4, "Bit mode: 0->1 executes COMMAND; hold until CommandCompleted or CommandFailed", "位模式：0->1 执行 COMMAND；保持到 CommandCompleted 或 CommandFailed"),
    _command_bit("SequenceMode", 0, 5, "1 = sequence mode, 0 = bit mode; counts only while TriggerEnable is 0", "1 = 序号模式，0 = 位模式；仅在 TriggerEnable 为 0 时生效"),
    _command_bit("PartPresent", 0, 6, "A part is in place (used with require_part_present)", "工件到位（配合 require_part_present 使用）"),
    _command_bit("SetOffline", 0, 7, "1 = take the station offline once no part is in flight (a level)", "1 = 在途工件完成后让工位离线（电平）"),
    _command_bit("SetUserData", 1, 0, "0->1 latches PART_SERIAL and ENCODER for the next trigger that is not a Modbus one", "0->1 锁存 PART_SERIAL 与 ENCODER，供下一个非 Modbus 触发使用"),
    _command_bit("ClearError", 1, 2, "0->1 clears errors whose cause is gone", "0->1 清除原因已消失的错误"),
    _command_bit("ClearExposureComplete", 1, 3, "0->1 clears ExposureComplete", "0->1 清除 ExposureComplete"),
    _command_bit("StatisticsReset", 1, 4, "0->1 sets all counters to 0", "0->1 所有计数清零"),
    _command_bit("NgLatchReset", 1, 5, "0->1 clears NgLatch", "0->1 清除 NgLatch"),
    _command_bit("AlarmAck", 1, 6, "0->1 clears ConsecutiveNgAlarm and StopRequest", "0->1 清除 ConsecutiveNgAlarm 与 StopRequest"),
    _command_bit("BufferClear", 1, 7, "0->1 empties the result queue; each dropped record counts as overrun", "0->1 清空结果队列；每条丢弃的记录计入 overrun"),
    _command("TriggerSeq", 2, "Sequence mode: a changed value other than 0 takes a part; bit mode: a tag that is echoed", "序号模式：变化且非 0 即触发；位模式：仅作标签回显"),
    _command("ResultAckId", 3, "INSPECTION_ID of the result that is taken; 0 = not checked (bit mode only)", "所取结果的 INSPECTION_ID；0 = 不检查（仅位模式）"),
    _command("PlcHeartbeat", 4, "Any value that keeps changing", "持续变化的任意值"),
    _command("Command", 5, "Command code", "命令代码"),
    _command("CommandSeq", 6, "Sequence mode: a changed value other than 0 executes COMMAND", "序号模式：变化且非 0 即执行 COMMAND"),
    _command("ExpectedRecipe", 7, "Recipe this part must be judged with; 0 = any", "本件必须使用的配方；0 = 任意"),
    _command("Param1", 8, "Parameter 1 of the command (set clock: high word of the Unix time)", "命令参数 1（设定时钟：Unix 时间高字）"),
    _command("Param2", 9, "Parameter 2 of the command (set clock: low word)", "命令参数 2（设定时钟：低字）"),
    _command("Param3", 10, "Parameter 3 of the command", "命令参数 3"),
    _command("Param4", 11, "Parameter 4 of the command", "命令参数 4"),
    Signal("Command.Encoder", Block.COMMAND, 12, Kind.U32, "Encoder or position, echoed", "编码器或位置，原样回显", words=2),
    Signal("Command.PartSerial", Block.COMMAND, 16, Kind.RAW, "Part serial, 40 characters, echoed as it is", "工件序列号，40 字符，原样回显", words=20),
)  # fmt: skip

STATUS_SIGNALS = (
    _bit("Status.TriggerReady", 0, 0, "A trigger would be accepted now", "此刻可接受触发"),
    _bit("Status.TriggerAck", 0, 1, "Bit mode: the trigger was accepted; 0 after Trigger 0", "位模式：触发已接受；Trigger 归 0 后归 0"),
    _bit("Status.Acquiring", 0, 2, "Exposing: the part must not move", "曝光中：工件不得移动"),
    _bit("Status.MissedAcquisition", 0, 3, "The last trigger was refused; 0 after the next accept or TriggerEnable 0", "上一次触发被拒绝；下次接受或 TriggerEnable 为 0 后归 0"),
    Signal("Status.OfflineReason", Block.STATION, 0, Kind.FIELD, "0 online, 1 maintenance, HMI or Halt, 2 discrete input, 3 SetOffline, 4 starting, 5 no recipe or model, 6 camera lost, 7 error", "0 在线，1 维护、HMI 或 Halt，2 离散输入，3 SetOffline，4 启动中，5 无配方或模型，6 相机丢失，7 错误", bit=4, width=3),
    _bit("Status.Online", 0, 7, "The station is online", "工位在线"),
    _bit("Status.SystemBusy", 0, 8, "A part is in flight or a command executes", "有在途工件或命令执行中"),
    _bit("Status.InspectionCompleted", 0, 9, "Toggles with every record shown (never count parts by it)", "每显示一条记录翻转一次（不可用于计件）"),
    _bit("Status.ResultsBufferOverrun", 0, 10, "A result was dropped before the PLC took it; 0 after the next ack or BufferClear", "有结果在 PLC 取走前被丢弃；下次确认或 BufferClear 后归 0"),
    _bit("Status.ResultsValid", 0, 11, "The record is whole and waits for the ack", "记录完整，等待确认"),
    _bit("Status.CommandExecuting", 0, 12, "A command executes", "命令执行中"),
    _bit("Status.CommandCompleted", 0, 13, "The command was done; until ExecuteCommand 0 or the next COMMAND_SEQ", "命令已完成；保持到 ExecuteCommand 归 0 或下一个 COMMAND_SEQ"),
    _bit("Status.CommandFailed", 0, 14, "The command failed, COMMAND_RESULT says why", "命令失败，原因见 COMMAND_RESULT"),
    _bit("Status.Error", 0, 15, "An error stands; until ClearError and the cause is gone", "存在错误；保持到 ClearError 且原因消失"),
    _bit("Status.UserDataAck", 1, 0, "SetUserData was latched; 0 after SetUserData 0", "SetUserData 已锁存；SetUserData 归 0 后归 0"),
    _bit("Status.ExposureComplete", 1, 3, "The part may move; until cleared or the next accept", "工件可移动；保持到清除或下次接受"),
    _bit("Status.Ok", 1, 4, "ResultsValid and verdict OK", "ResultsValid 且判定为 OK"),
    _bit("Status.NotOk", 1, 5, "ResultsValid and any other verdict", "ResultsValid 且判定非 OK"),
    _bit("Status.Undecided", 1, 6, "ResultsValid and verdict undecided", "ResultsValid 且判定为未定"),
    _bit("Status.NgLatch", 1, 7, "A part was not OK since NgLatchReset", "自 NgLatchReset 以来出现过非 OK"),
    _bit("Status.ConsecutiveNgAlarm", 1, 8, "Too many parts in a row were not OK", "连续非 OK 过多"),
    _bit("Status.StopRequest", 1, 9, "The station asks the line to stop", "工位请求停线"),
    _bit("Status.PlcLost", 1, 10, "The PLC's heartbeat stopped", "PLC 心跳停止"),
    _bit("Status.CameraLost", 1, 11, "The camera is gone", "相机丢失"),
    _bit("Status.CpuFallback", 1, 12, "The model runs on the CPU instead of its device", "模型退回 CPU 运行"),
    _bit("Status.Simulation", 1, 13, "Frames are simulated", "图像为模拟"),
    _bit("Status.Warning", 1, 14, "A warning is active", "存在警告"),
    _bit("Status.GoldenTestDue", 1, 15, "The golden test is due", "需要进行标准样件测试"),
    _u16("Status.Heartbeat", 2, "+1 per turn of the inspection loop's watchdog", "检测循环看门狗每轮 +1"),
    _u16("Status.BootId", 3, "+1 per start of the station; treat every open part as not OK when it changes", "工位每次启动 +1；变化时所有未完成工件按非 OK 处理"),
    _u16("Status.TriggerSeqAck", 4, "TRIGGER_SEQ last accepted", "最近接受的 TRIGGER_SEQ"),
    _u16("Status.TriggerSeqRejected", 5, "TRIGGER_SEQ last refused; 0 after the next accept or TriggerEnable 0", "最近拒绝的 TRIGGER_SEQ；下次接受或 TriggerEnable 为 0 后归 0"),
    _u16("Status.AcquisitionId", 6, "Acquisition last accepted, 1-65535 then 1", "最近接受的采集号，1-65535 后回 1"),
    _u16("Status.CommandSeqAck", 7, "COMMAND_SEQ last accepted", "最近接受的 COMMAND_SEQ"),
    _u16("Status.CommandResult", 8, "0 none or executing, 1 done, 100 and up a code", "0 无或执行中，1 完成，100 以上为代码"),
    _u16("Status.ErrorCode", 9, "Most severe uncleared error", "最严重的未清除错误"),
)  # fmt: skip

RESULT_SIGNALS = (
    _u16("Result.InspectionId", 10, "Number of this record, 1-65535 then 1", "本记录编号，1-65535 后回 1"),
    _u16("Result.TriggerSeq", 11, "TRIGGER_SEQ of the part, 0 = none", "该件的 TRIGGER_SEQ，0 = 无"),
    _u16("Result.AcquisitionId", 12, "ACQUISITION_ID of the part", "该件的 ACQUISITION_ID"),
    _u16("Result.Verdict", 13, "0 none, 1 OK, 2 NG, 3 undecided, 4 error, 5 time-out, 6 sample taken; anything but 1 is not OK", "0 无，1 OK，2 NG，3 未定，4 错误，5 超时，6 已取样；非 1 均为不合格"),
    _u16("Result.Code", 14, "0 with verdicts 1, 2 and 6, else why", "判定为 1、2、6 时为 0，否则为原因代码"),
    _u16("Result.ScoreX10000", 15, "Normalised score x 10000, 5000 = the threshold, saturates", "归一化分数 x 10000，5000 = 阈值，饱和"),
    _u16("Result.ThresholdX10000", 16, "Threshold in force x 10000 on the same scale", "生效阈值 x 10000，同一刻度"),
    _u16("Result.DefectClass", 17, "Defect class, 0 = none", "缺陷类别，0 = 无"),
    _u16("Result.Recipe", 18, "Recipe that was used", "所用配方"),
    _u16("Result.TriggerSource", 19, "1 bit, 2 sequence, 3 OPC UA, 4 HMI, 5 interval, 6 camera line, 7 client mode", "1 位，2 序号，3 OPC UA，4 HMI，5 定时，6 相机输入，7 客户端模式"),
    _f32("Result.Score", 20, "Raw score", "原始分数"),
    _u32("Result.Encoder", 22, "ENCODER at accept", "接受触发时的 ENCODER"),
    _u32("Result.CapturedAt", 24, "Capture time, Unix UTC", "采集时间，Unix UTC", "s"),
    _u16("Result.CapturedMs", 26, "Milliseconds of the capture time", "采集时间的毫秒", "ms"),
    _u16("Result.TriggerToExposureMs", 27, "Trigger to end of exposure", "触发到曝光结束", "ms"),
    _u16("Result.InferenceMs", 28, "Inference", "推理", "ms"),
    _u16("Result.TriggerToPublishMs", 29, "Trigger to this record being ready", "触发到记录就绪", "ms"),
    _u16("Result.DefectX", 30, "Defect centre, 65535 = none", "缺陷中心 x，65535 = 无", "px"),
    _u16("Result.DefectY", 31, "Defect centre, 65535 = none", "缺陷中心 y，65535 = 无", "px"),
    _u32("Result.DefectArea", 32, "Area above the threshold", "超过阈值的面积", "px"),
    _u32("Result.ModelHash", 34, "First 32 bits of the model's SHA-256", "模型 SHA-256 的前 32 位"),
    _u32("Result.ConfigurationChecksum", 36, "Configuration in force when the part was judged", "判定时生效的配置校验和"),
    _bit("Result.Simulated", 38, 0, "The frame was simulated", "图像为模拟"),
    _bit("Result.OnCpu", 38, 1, "Judged on the CPU", "在 CPU 上判定"),
    _bit("Result.Golden", 38, 2, "A golden sample", "标准样件"),
    _bit("Result.Sample", 38, 3, "A sample, not judged", "取样，未判定"),
    _bit("Result.OverrunBefore", 38, 4, "A record was dropped before this one", "此前有记录被丢弃"),
    _bit("Result.ClockUnsynchronised", 38, 5, "The station's clock was not synchronised", "工位时钟未同步"),
    Signal("Result.PartSerial", Block.STATION, 42, Kind.RAW, "PART_SERIAL at accept, as it was", "接受触发时的 PART_SERIAL，原样", words=20),
    _u16("Result.InspectionIdEnd", 63, "INSPECTION_ID again: differs = torn read, read again", "再次给出 INSPECTION_ID：不同 = 读取撕裂，重读"),
)  # fmt: skip

STATISTICS_SIGNALS = (
    _u32("Statistics.Total", 64, "Results since the reset, samples included", "复位以来的结果数（含取样）"),
    _u32("Statistics.Ok", 66, "Verdict OK", "判定 OK"),
    _u32("Statistics.Ng", 68, "Verdict NG", "判定 NG"),
    _u32("Statistics.Undecided", 70, "Verdict undecided", "判定未定"),
    _u32("Statistics.Error", 72, "Verdict error", "判定错误"),
    _u32("Statistics.Timeout", 74, "Verdict time-out", "判定超时"),
    _u32("Statistics.Missed", 76, "Triggers refused", "被拒绝的触发"),
    _u32("Statistics.Overrun", 78, "Records dropped before the PLC took them", "PLC 取走前被丢弃的记录"),
    _u16("Statistics.ConsecutiveNg", 80, "Parts not OK in a row", "连续非 OK 数"),
    _u16("Statistics.YieldX100", 81, "OK of all judged, percent x 100", "合格率，百分数 x 100"),
    _u16("Statistics.MinMs", 82, "Shortest trigger to record", "触发到记录最短", "ms"),
    _u16("Statistics.MeanMs", 83, "Mean trigger to record", "触发到记录平均", "ms"),
    _u16("Statistics.MaxMs", 84, "Longest trigger to record", "触发到记录最长", "ms"),
    _u32("Statistics.Since", 86, "Counting since, Unix UTC", "计数起始时间，Unix UTC", "s"),
)  # fmt: skip

STATION_SIGNALS = (
    _u16("Station.StateNumber", 88, "OPC 40100-1 state: 1 preoperational, 2 halted, 3 error, 4 operational, 5 initialised, 6 ready, 7 single execution, 8 continuous execution", "OPC 40100-1 状态：1 预运行，2 停机，3 错误，4 运行，5 已初始化，6 就绪，7 单次执行，8 连续执行"),
    _u16("Station.WarningCode", 89, "Oldest active warning", "最早的未消除警告"),
    _u16("Station.ActiveRecipe", 90, "Active recipe, 0 = none", "当前配方，0 = 无"),
    _u16("Station.ResultsQueued", 91, "Records waiting for the PLC, the shown one included", "等待 PLC 的记录数（含当前显示的）"),
    _u16("Station.ResultsFree", 92, "Parts that can still be taken before the queue is full", "队列满之前还可接受的件数"),
    _u16("Station.RejectReason", 93, "Why the last trigger or command was refused", "上一次触发或命令被拒绝的原因"),
    _u32("Station.ConfigurationChecksum", 94, "Configuration in force now", "当前生效的配置校验和"),
    _u16("Station.MapVersion", 96, "Version of this map", "本表版本"),
    _text("Station.TestText", 97, 1, 'Always "AB" (0x4142): shows the order of characters', '恒为 "AB"（0x4142）：用于确认字符顺序'),
    _u32("Station.TestU32", 98, "Always 0x01020304: shows the order of words and bytes", "恒为 0x01020304：用于确认字与字节顺序"),
    _text("Station.ModelName", 100, 10, "Active model", "当前模型"),
    _text("Station.ModelVersion", 110, 4, "Version of the active model", "当前模型版本"),
    _text("Station.SoftwareVersion", 114, 4, "Version of this software", "本软件版本"),
    _u16("Station.StationNumber", 118, "Number of this station", "工位编号"),
)  # fmt: skip

SIGNALS: tuple[Signal, ...] = (
    COMMAND_SIGNALS + STATUS_SIGNALS + RESULT_SIGNALS + STATISTICS_SIGNALS + STATION_SIGNALS
)
BY_NAME: Mapping[str, Signal] = MappingProxyType({signal.name: signal for signal in SIGNALS})
_OF_BLOCK = {block: tuple(signal for signal in SIGNALS if signal.block is block) for block in Block}


def of_block(block: Block) -> tuple[Signal, ...]:
    """Return the block's signals, by address."""
    return _OF_BLOCK[block]
