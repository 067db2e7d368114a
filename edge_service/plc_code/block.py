"""``FUNCTION_BLOCK FB_OKNG``: its variables and its body, around the table of steps."""

from collections.abc import Iterator

from edge_service.domain.signals import BY_NAME, MAP_VERSION, TEST_U32
from edge_service.handshake.command import CommandCode
from edge_service.handshake.settings import HandshakeSettings
from edge_service.language import say
from edge_service.plc_code.declaration import Variable, comment, indented, variables
from edge_service.plc_code.steps import ALWAYS, CLEARING, ENABLED_FROM, NUMBERS, STEPS, Fault, Move, Step
from edge_service.plc_code.words import FROM_STATION, TO_STATION, address, decode, mask

INPUTS = (
    Variable("Enable", "BOOL", "TRUE: the station may be used; FALSE gives it free for another master", "TRUE：使用工位；FALSE 释放给其他主站"),
    Variable("Trigger", "BOOL", "FALSE->TRUE while Ready: take this part", "Ready 时 FALSE->TRUE：检测本件"),
    Variable("PartSerial", "OKNG_SERIAL", "40 characters, two a word, echoed with the result", "40 个字符，每字两个，随结果回显"),
    Variable("Recipe", "UINT", "recipe this part must be judged with, 0 = any", "本件必须使用的配方，0 = 任意"),
    Variable("Encoder", "UDINT", "echoed with the result", "随结果回显"),
    Variable("Execute", "BOOL", "FALSE->TRUE: execute Command (1 select recipe Parameter1, ...)", "FALSE->TRUE：执行 Command（1 选择配方 Parameter1，...）"),
    Variable("Command", "UINT", "command code", "命令代码"),
    Variable("Parameter1", "UINT", "", ""),
    Variable("Parameter2", "UINT", "", ""),
    Variable("Parameter3", "UINT", "", ""),
    Variable("Parameter4", "UINT", "", ""),
    Variable("PartPresent", "BOOL", "a part is in place (with require_part_present)", "工件到位（配合 require_part_present）"),
    Variable("SetOffline", "BOOL", "TRUE: take the station offline", "TRUE：让工位离线"),
    Variable("ClearError", "BOOL", "FALSE->TRUE, as the next four: a push button will do", "FALSE->TRUE，下同：接按钮即可"),
    Variable("StatisticsReset", "BOOL", "", ""),
    Variable("NgLatchReset", "BOOL", "", ""),
    Variable("AlarmAck", "BOOL", "", ""),
    Variable("Compact", "BOOL", "TRUE: only words 0-15 are read and 0-4 written (slow serial line)", "TRUE：仅读字 0-15、写 0-4（低速串口）"),
    Variable("AnswerTime", "TIME", "for each answer of the station; T#2s over RTU", "工位每次应答的时限；RTU 用 T#2s", "T#500ms"),
    Variable("ResultTime", "TIME", "from Trigger to the result", "从 Trigger 到结果", "T#3s"),
    Variable("SettleTime", "TIME", "longer than two exchanges of the words; T#1s over RTU", "大于两个通信周期；RTU 用 T#1s", "T#200ms"),
    Variable("StationTime", "TIME", "the station's heartbeat may stand still so long", "工位心跳允许停止的时间", "T#2s"),
    Variable(FROM_STATION, "OKNG_INPUT_WORDS", "input registers 0-119, or holding registers 1000-1119", "输入寄存器 0-119，或保持寄存器 1000-1119"),
)  # fmt: skip
OUTPUTS = (
    Variable("Ready", "BOOL", "Trigger would be taken now", "此刻可触发"),
    Variable("Busy", "BOOL", "a part is open: triggered, without its answer", "有未完成工件：已触发，尚无结果"),
    Variable("MayMove", "BOOL", "the part was exposed and may move", "曝光完成，工件可移动"),
    Variable("Done", "BOOL", "the part has its answer; stands until the next Trigger", "本件已有结果；保持到下一次 Trigger"),
    Variable("NewResult", "BOOL", "TRUE for one call when Done has news: for shift registers", "结果更新时为 TRUE 一个周期：用于移位寄存器"),
    Variable("Ok", "BOOL", "the part may pass; with Done and FALSE it may not", "工件合格；Done 为 TRUE 而本位为 FALSE 即不合格"),
    Variable("Verdict", "UINT", "1 OK, 2 NG, 3 undecided, 4 error, 5 time-out, 6 sample; 0 = the station gave none", "1 OK，2 NG，3 未定，4 错误，5 超时，6 取样；0 = 工位未给出"),
    Variable("Code", "UINT", "why it is not OK: 1-99 of this block, 100 and up of the station", "非 OK 的原因：1-99 为本功能块，100 以上为工位"),
    Variable("Error", "BOOL", "the part has no verdict of the station, Code says why", "工件没有工位的判定，原因见 Code"),
    Variable("Missed", "BOOL", "Trigger rose while Ready was FALSE", "Ready 为 FALSE 时 Trigger 上升"),
    Variable("MissedCount", "UINT", "how often", "次数"),
    Variable("Result", "OKNG_RESULT", "the record of the part, whole", "本件的完整记录"),
    Variable("CommandBusy", "BOOL", "", ""),
    Variable("CommandDone", "BOOL", "", ""),
    Variable("CommandFailed", "BOOL", "", ""),
    Variable("CommandResult", "UINT", "1 done, else why not", "1 完成，否则为原因"),
    Variable("Connected", "BOOL", "the station's heartbeat moves and its map is this one", "工位心跳变化且寄存器表相符"),
    Variable("NotReadyCode", "UINT", "why Ready is FALSE: 1-99 of this block, else the station's error; 0 = it says no more", "Ready 为 FALSE 的原因：1-99 为本功能块，否则为工位错误；0 = 无更多信息"),
    Variable("State", "INT", "step, see the table", "步号，见表"),
    Variable("Status", "OKNG_STATUS", "the station's status, bit by bit", "工位状态各位"),
    Variable(TO_STATION, "OKNG_OUTPUT_WORDS", "holding registers 0-35: write all in one request, cyclically", "保持寄存器 0-35：一次请求循环全部写入"),
)  # fmt: skip
_LOCALS = (
    Variable("Shown", "OKNG_RESULT", "the record in the words now", "当前字中的记录"),
    Variable("TriggerBefore", "BOOL", "TRUE at first: an edge must be seen FALSE before", "初值 TRUE：先见到 FALSE 才算边沿", "TRUE"),
    Variable("ExecuteBefore", "BOOL", "", "", "TRUE"),
    Variable("TriggerRose", "BOOL", "", ""),
    Variable("MayTrigger", "BOOL", "", ""),
    Variable("PartOpen", "BOOL", "", ""),
    Variable("CommandOpen", "BOOL", "", ""),
    Variable("RecordWhole", "BOOL", "", ""),
    Variable("RecipeFits", "BOOL", "", ""),
    Variable("SerialFits", "BOOL", "", ""),
    Variable("MapFits", "BOOL", "", ""),
    Variable("BeatMoved", "BOOL", "", ""),
    Variable("BeatKnown", "BOOL", "", ""),
    Variable("Alive", "BOOL", "", ""),
    Variable("LastBeat", "UINT", "", ""),
    Variable("PlcBeat", "UINT", "", ""),
    Variable("BootId", "UINT", "", ""),
    Variable("Sequence", "UINT", "last TRIGGER_SEQ used", "最近使用的 TRIGGER_SEQ"),
    Variable("SequenceOut", "UINT", "", ""),
    Variable("CommandSequence", "UINT", "", ""),
    Variable("CommandSequenceOut", "UINT", "", ""),
    Variable("AckId", "UINT", "", ""),
    Variable("RecipeOut", "UINT", "", ""),
    Variable("EncoderOut", "UDINT", "", ""),
    Variable("SerialOut", "OKNG_SERIAL", "", ""),
    Variable("CommandOut", "UINT", "", ""),
    Variable("Parameter1Out", "UINT", "", ""),
    Variable("Parameter2Out", "UINT", "", ""),
    Variable("Parameter3Out", "UINT", "", ""),
    Variable("Parameter4Out", "UINT", "", ""),
    Variable("FaultCode", "UINT", "", ""),
    Variable("TimedState", "INT", "", "", "-1"),
    Variable("Index", "INT", "", ""),
    Variable("StateTime", "TIME", "", ""),
    Variable("CommandTime", "TIME", "", ""),
    Variable("ControlWord", "WORD", "", ""),
    Variable("StateTimer", "TON", "", ""),
    Variable("ResultTimer", "TON", "", ""),
    Variable("StationTimer", "TON", "", ""),
    Variable("BeatTimer", "TON", "", ""),
)  # fmt: skip
_CONTROL = ("PartPresent", "SetOffline")
_CONTROL_HIGH = ("ClearError", "StatisticsReset", "NgLatchReset", "AlarmAck")
_SAFETY_S = 2  # the station's own time for a command, and so much more
_PLC_BEAT = "T#500ms"
_ALL_BITS = 0xFFFF
_LONG = 80  # a condition of more characters is broken at its ANDs


def function_block() -> Iterator[str]:
    """Yield the block's lines."""
    yield "FUNCTION_BLOCK FB_OKNG"
    yield from variables("VAR_INPUT", INPUTS)
    yield from variables("VAR_OUTPUT", OUTPUTS)
    yield from variables("VAR", _LOCALS)
    for title, section in (
        (say("1. What the station says", "1. 工位的信息"), _read()),
        (
            say("2. Is the station alive, and is this its map?", "2. 工位是否正常、寄存器表是否相符？"),
            _watch(),
        ),
        (say("3. Edges, whole records, times", "3. 边沿、完整记录、计时"), _prepare()),
        (say("4. One step at most", "4. 至多走一步"), _moves()),
        (say("5. What a fault means for part and command", "5. 故障对工件和命令的影响"), _faults()),
        (say("6. What this block says", "6. 本功能块的输出"), _outputs()),
        (say("7. What the station is told", "7. 写给工位的字"), _write()),
    ):
        yield ""
        yield f"  {comment(title)}"
        yield from indented(section)
    yield "END_FUNCTION_BLOCK"


def _read() -> Iterator[str]:
    yield from decode("Status", "Status")
    yield from decode("Result", "Shown")


def _watch() -> Iterator[str]:
    version, test = address("Station.MapVersion"), address("Station.TestU32")
    yield "BeatMoved := Status.Heartbeat <> LastBeat;"
    yield "LastBeat := Status.Heartbeat;"
    yield "IF BeatMoved AND BeatKnown THEN"
    yield "  Alive := TRUE;"
    yield "END_IF;"
    yield "BeatKnown := BeatKnown OR BeatMoved;"
    yield "StationTimer(IN := NOT BeatMoved, PT := StationTime);"
    yield "IF StationTimer.Q THEN"
    yield "  Alive := FALSE;"
    yield "END_IF;"
    yield f"MapFits := Compact OR (({FROM_STATION}[{version}] = WORD#16#{MAP_VERSION:04X})"
    yield f"  AND ({FROM_STATION}[{test}] = WORD#16#{TEST_U32 >> 16:04X})"
    yield f"  AND ({FROM_STATION}[{test + 1}] = WORD#16#{TEST_U32 & _ALL_BITS:04X}));"
    yield "Connected := Alive AND MapFits;"


def _prepare() -> Iterator[str]:
    serial = BY_NAME["Result.PartSerial"]
    yield "TriggerRose := Trigger AND NOT TriggerBefore;"
    yield "TriggerBefore := Trigger;"
    yield "IF Execute AND NOT ExecuteBefore AND NOT CommandBusy THEN"
    yield "  CommandDone := FALSE;"
    yield f"  CommandFailed := State < {ENABLED_FROM};"
    yield f"  CommandBusy := State >= {ENABLED_FROM};"
    yield f"  CommandResult := UINT#{Fault.NOT_READY.value};"
    yield "  IF CommandBusy THEN"
    yield "    CommandResult := UINT#0;"
    yield "  END_IF;"
    yield "END_IF;"
    yield "ExecuteBefore := Execute;"
    yield f"MayTrigger := (State = {NUMBERS['IDLE']}) AND Status.TriggerReady;"
    yield "RecordWhole := Status.ResultsValid AND (Compact OR (Shown.InspectionId = Shown.InspectionIdEnd));"
    yield "RecipeFits := Compact OR (RecipeOut = UINT#0) OR (Shown.Recipe = RecipeOut);"
    yield "SerialFits := TRUE;"
    yield f"FOR Index := 0 TO {serial.words - 1} DO"
    yield f"  IF {FROM_STATION}[{serial.address} + Index] <> SerialOut[Index] THEN"
    yield "    SerialFits := Compact;"
    yield "  END_IF;"
    yield "END_FOR;"
    yield from _times()
    yield "IF TimedState <> State THEN"
    yield "  TimedState := State;"
    yield "  StateTimer(IN := FALSE, PT := StateTime);"
    yield "END_IF;"
    yield "StateTimer(IN := TRUE, PT := StateTime);"
    yield "ResultTimer(IN := PartOpen, PT := ResultTime);"
    yield "FaultCode := UINT#0;"
    yield "NewResult := FALSE;"


def _times() -> Iterator[str]:
    settings = HandshakeSettings()
    recipe, golden = CommandCode.SELECT_RECIPE, CommandCode.GOLDEN_TEST
    activate, roll_back = CommandCode.ACTIVATE_MODEL, CommandCode.ROLL_BACK_MODEL
    yield f"CommandTime := {_seconds(settings.other_command_s)};"
    yield f"IF CommandOut = UINT#{recipe.value} THEN"
    yield f"  CommandTime := {_seconds(settings.recipe_command_s)};"
    yield f"ELSIF CommandOut = UINT#{golden.value} THEN"
    yield f"  CommandTime := {_seconds(settings.golden_command_s)};"
    yield f"ELSIF (CommandOut = UINT#{activate.value}) OR (CommandOut = UINT#{roll_back.value}) THEN"
    yield f"  CommandTime := {_seconds(settings.model_command_s)};"
    yield "END_IF;"
    yield "CASE State OF"
    special = [step for step in STEPS if step.time != "AnswerTime"]
    yield from (f"  {step.number}: StateTime := {step.time};" for step in special)
    yield "ELSE"
    yield "  StateTime := AnswerTime;"
    yield "END_CASE;"


def _seconds(station_s: float) -> str:
    return f"T#{station_s + _SAFETY_S:g}s"


def _moves() -> Iterator[str]:
    for index, move in enumerate(ALWAYS):
        yield from _move(move, "ELSIF" if index else "IF")
    yield "ELSE"
    yield "  CASE State OF"
    for step in STEPS:
        yield from indented(_step(step), 4)
    yield "  END_CASE;"
    yield "END_IF;"


def _step(step: Step) -> Iterator[str]:
    yield f"{step.number}: {comment(f'{step.name}: {say(step.en, step.zh)}')}"
    for index, move in enumerate(step.moves):
        yield from indented(_move(move, "ELSIF" if index else "IF"))
    yield "  END_IF;"


def _move(move: Move, keyword: str) -> Iterator[str]:
    conditions = move.when.split(" AND ") if len(move.when) > _LONG else [move.when]
    yield f"{keyword} {conditions[0]}" + (" THEN" if len(conditions) == 1 else "")
    for condition in conditions[1:]:
        yield f"    AND {condition}" + (" THEN" if condition is conditions[-1] else "")
    yield f"  {comment(say(move.en, move.zh))}"
    yield from indented(move.do)
    yield f"  State := {NUMBERS[move.to]}; {comment(move.to)}"


def _faults() -> Iterator[str]:
    yield "IF (FaultCode <> UINT#0) AND PartOpen THEN"
    yield from indented(_not_ok("FaultCode"))
    yield "END_IF;"
    yield f"IF (FaultCode <> UINT#0) AND CommandBusy AND (CommandOpen OR (State < {ENABLED_FROM})) THEN"
    yield "  CommandOpen := FALSE;"
    yield "  CommandBusy := FALSE;"
    yield "  CommandFailed := TRUE;"
    yield "  CommandResult := FaultCode;"
    yield "END_IF;"
    yield f"IF TriggerRose THEN {comment(say('nobody took it', '未被接受'))}"
    yield "  Missed := TRUE;"
    yield "  MissedCount := OKNG_NEXT(Number := MissedCount);"
    yield "  IF NOT PartOpen THEN"
    yield from indented(_not_ok(f"UINT#{Fault.NOT_READY.value}"), 4)
    yield "  END_IF;"
    yield "END_IF;"


def _not_ok(code: str) -> Iterator[str]:
    yield "PartOpen := FALSE;"
    yield "Done := TRUE;"
    yield "NewResult := TRUE;"
    yield "Ok := FALSE;"
    yield "Verdict := UINT#0;"
    yield f"Code := {code};"
    yield "Error := TRUE;"


def _outputs() -> Iterator[str]:
    yield "Busy := PartOpen;"
    yield f"IF Done OR (PartOpen AND (State >= {NUMBERS['JUDGING']}) AND Status.ExposureComplete) THEN"
    yield "  MayMove := TRUE;"
    yield "END_IF;"
    yield f"Ready := (State = {NUMBERS['IDLE']}) AND Status.TriggerReady AND NOT CommandBusy;"
    yield "NotReadyCode := UINT#0;"
    yield "IF NOT Ready THEN"
    yield "  IF State = 0 THEN"
    yield f"    NotReadyCode := UINT#{Fault.DISABLED.value};"
    yield "  ELSIF NOT Connected THEN"
    yield f"    NotReadyCode := UINT#{Fault.STATION_SILENT.value};"
    yield f"  ELSIF (State = {NUMBERS['ZEROS']}) AND Status.TriggerReady AND StateTimer.Q THEN"
    yield f"    NotReadyCode := UINT#{Fault.OTHER_MASTER.value};"
    yield "  ELSE"
    yield "    NotReadyCode := Status.ErrorCode;"
    yield "  END_IF;"
    yield "END_IF;"


def _write() -> Iterator[str]:
    yield f"IF State < {ENABLED_FROM} THEN"
    yield "  SequenceOut := UINT#0;"
    yield "  CommandSequenceOut := UINT#0;"
    yield "  AckId := UINT#0;"
    yield "END_IF;"
    yield "ControlWord := WORD#16#0000;"
    yield f"IF State >= {ENABLED_FROM} THEN {comment('TriggerEnable, BufferResultsEnable, SequenceMode')}"
    yield f"  ControlWord := {_enabled()};"
    yield "END_IF;"
    yield from _bits(_CONTROL)
    yield f"{TO_STATION}[0] := ControlWord;"
    yield "ControlWord := WORD#16#0000;"
    yield f"IF State = {CLEARING} THEN"
    yield f"  ControlWord := {mask('Command.BufferClear')};"
    yield "END_IF;"
    yield from _bits(_CONTROL_HIGH)
    yield f"{TO_STATION}[1] := ControlWord;"
    yield f"BeatTimer(IN := NOT BeatTimer.Q, PT := {_PLC_BEAT});"
    yield "IF BeatTimer.Q THEN"
    yield "  PlcBeat := OKNG_NEXT(Number := PlcBeat);"
    yield "END_IF;"
    for signal, variable in _WORDS.items():
        yield f"{TO_STATION}[{address(f'Command.{signal}')}] := UINT_TO_WORD({variable});"
    encoder, serial = address("Command.Encoder"), BY_NAME["Command.PartSerial"]
    yield f"{TO_STATION}[{encoder}] := UINT_TO_WORD(UDINT_TO_UINT(EncoderOut / UDINT#65536));"
    yield f"{TO_STATION}[{encoder + 1}] := UINT_TO_WORD(UDINT_TO_UINT(EncoderOut MOD UDINT#65536));"
    yield f"FOR Index := 0 TO {serial.words - 1} DO"
    yield f"  {TO_STATION}[{serial.address} + Index] := SerialOut[Index];"
    yield "END_FOR;"


_WORDS = {
    "TriggerSeq": "SequenceOut",
    "ResultAckId": "AckId",
    "PlcHeartbeat": "PlcBeat",
    "Command": "CommandOut",
    "CommandSeq": "CommandSequenceOut",
    "ExpectedRecipe": "RecipeOut",
    "Param1": "Parameter1Out",
    "Param2": "Parameter2Out",
    "Param3": "Parameter3Out",
    "Param4": "Parameter4Out",
}


def _enabled() -> str:
    names = ("TriggerEnable", "BufferResultsEnable", "SequenceMode")
    return f"WORD#16#{sum(1 << BY_NAME[f'Command.{name}'].bit for name in names):04X}"


def _bits(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield f"IF {name} AND (State > 0) THEN"
        yield f"  ControlWord := ControlWord OR {mask(f'Command.{name}')};"
        yield "END_IF;"
