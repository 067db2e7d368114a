"""``FB_OKNG`` as a table: its steps, what leads from one to the next, and the numbers it gives itself.

The Structured Text (``block.py``) and the diagram in ``docs/reference/function-block.md`` are both made
from this table. Conditions and actions are Structured Text. Within a step the first move whose condition
holds is taken; ``ALWAYS`` is looked at before the steps. What the rules are for: docs/explanation/handshake.md.
"""

from dataclasses import dataclass
from enum import IntEnum

from edge_service.plc_code.words import u16


class Fault(IntEnum):
    """Why the block itself calls a part not OK. Below 100: the station's own codes begin there."""

    NO_ANSWER = 1
    NO_RESULT = 2
    ACK_UNANSWERED = 3
    STATION_SILENT = 4
    STATION_RESTARTED = 5
    NOT_READY = 6
    COMMAND_UNANSWERED = 7
    DISABLED = 8
    WRONG_RECIPE = 9
    WRONG_SERIAL = 10
    REFUSED = 11
    OTHER_MASTER = 12


MEANINGS = {
    Fault.NO_ANSWER: (
        (
            "no answer to the trigger within AnswerTime: is the Modbus client running, does another master own the "
            "station (its writes get exception 01), is AnswerTime longer than two exchanges?"
        ),
        (
            "AnswerTime 内未应答触发：Modbus 客户端是否在运行？工位是否被其他主站占用（写入返回异常 01）？"
            "AnswerTime 是否大于两个通信周期？"
        ),
    ),
    Fault.NO_RESULT: (
        "no result within ResultTime; a late one is thrown away",
        "ResultTime 内无结果；迟到的结果会被丢弃",
    ),
    Fault.ACK_UNANSWERED: (
        "the record stayed after its acknowledgement; the verdict that was read stands",
        "确认后记录仍未消失；已读取的判定有效",
    ),
    Fault.STATION_SILENT: (
        (
            "the station's heartbeat stood still for StationTime, or the words are not this map (version, word order "
            "ABCD, first register): look at cable, address, station"
        ),
        "工位心跳停止超过 StationTime，或寄存器表不符（版本、字序 ABCD、起始地址）：检查网线、地址、工位",
    ),
    Fault.STATION_RESTARTED: (
        "the station restarted while the part was open",
        "工件未完成时工位重启",
    ),
    Fault.NOT_READY: (
        "Trigger rose while Ready was FALSE; it is not made up for later",
        "Ready 为 FALSE 时 Trigger 上升；不会事后补触发",
    ),
    Fault.COMMAND_UNANSWERED: (
        "the command had no end within its time",
        "命令未在规定时间内结束",
    ),
    Fault.DISABLED: (
        "Enable went FALSE while the part was open",
        "工件未完成时 Enable 变为 FALSE",
    ),
    Fault.WRONG_RECIPE: (
        "the record says another recipe than Recipe asked for",
        "记录中的配方与 Recipe 要求不符",
    ),
    Fault.WRONG_SERIAL: (
        "the record does not echo the PartSerial that went with the trigger",
        "记录回显的序列号与触发时的 PartSerial 不符",
    ),
    Fault.REFUSED: (
        "the station refused the trigger (Compact: its reason, REJECT_REASON, is not read)",
        "工位拒绝触发（Compact：不读取原因 REJECT_REASON）",
    ),
    Fault.OTHER_MASTER: (
        "TriggerReady stays 1 although this block writes TriggerEnable 0: another master has enabled the station",
        "本功能块写 TriggerEnable 0 而 TriggerReady 仍为 1：工位由其他主站启用",
    ),
}


@dataclass(frozen=True, slots=True)
class Move:
    """From one step to another: when, and what is done on the way."""

    when: str
    to: str
    en: str
    zh: str
    do: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its number in State, and for how long ``StateTimer`` runs in it."""

    number: int
    name: str
    en: str
    zh: str
    moves: tuple[Move, ...]
    time: str = "AnswerTime"


ENABLED_FROM = 30  # from this step on TriggerEnable is 1
CLEARING = 20  # in this step BufferClear is 1


def fault(reason: Fault) -> str:
    """Return the statement that notes a fault; what follows from it stands in the block."""
    return f"FaultCode := UINT#{reason.value};"


_GONE = "NOT Status.ResultsValid OR (Shown.InspectionId <> AckId)"
_TAKE_TRIGGER = (
    "TriggerRose := FALSE;",
    "Sequence := OKNG_NEXT(Number := Sequence);",
    "SequenceOut := Sequence;",
    "RecipeOut := Recipe;",
    "EncoderOut := Encoder;",
    "SerialOut := PartSerial;",
    "PartOpen := TRUE;",
    "Done := FALSE;",
    "Ok := FALSE;",
    "Verdict := UINT#0;",
    "Code := UINT#0;",
    "Error := FALSE;",
    "Missed := FALSE;",
    "MayMove := FALSE;",
)
_TAKE_COMMAND = (
    "CommandSequence := OKNG_NEXT(Number := CommandSequence);",
    "CommandSequenceOut := CommandSequence;",
    "CommandOut := Command;",
    "Parameter1Out := Parameter1;",
    "Parameter2Out := Parameter2;",
    "Parameter3Out := Parameter3;",
    "Parameter4Out := Parameter4;",
    "CommandOpen := TRUE;",
)
_TAKE_RESULT = (
    "Result := Shown;",
    "AckId := Shown.InspectionId;",
    "Verdict := Shown.Verdict;",
    "Code := Shown.Code;",
    f"IF NOT SerialFits THEN Code := UINT#{Fault.WRONG_SERIAL.value}; END_IF;",
    f"IF (Verdict = UINT#1) AND NOT RecipeFits THEN Code := UINT#{Fault.WRONG_RECIPE.value}; END_IF;",
    "Ok := (Verdict = UINT#1) AND (Code = UINT#0);",
    "Done := TRUE;",
    "NewResult := TRUE;",
    "PartOpen := FALSE;",
)
_END_COMMAND = (
    f"CommandResult := {u16('Status.CommandResult')};",
    "CommandDone := Status.CommandCompleted;",
    "CommandFailed := NOT Status.CommandCompleted;",
    "CommandOpen := FALSE;",
    "CommandBusy := FALSE;",
)

ALWAYS = (
    Move("NOT Enable AND (State > 0)", "OFF", "Enable is FALSE", "Enable 为 FALSE", (fault(Fault.DISABLED),)),
    Move(
        "(State > 10) AND NOT Connected",
        "ZEROS",
        "the station is silent",
        "工位无响应",
        (fault(Fault.STATION_SILENT),),
    ),
    Move(
        f"(State >= {ENABLED_FROM}) AND (Status.BootId <> BootId)",
        "IDLE",
        "the station restarted: open parts are not OK, numbers go on",
        "工位重启：未完成工件按非 OK 处理，序号继续",
        (fault(Fault.STATION_RESTARTED), "BootId := Status.BootId;"),
    ),
)

STEPS = (
    Step(
        0,
        "OFF",
        "nothing is asked of the station",
        "不向工位请求任何动作",
        (Move("Enable", "ZEROS", "Enable", "Enable"),),
    ),
    Step(
        10,
        "ZEROS",
        "CONTROL and sequences 0: whatever was asked before no longer counts",
        "CONTROL 与序号为 0：此前的请求全部作废",
        (
            Move(
                "Connected AND NOT Status.TriggerReady AND NOT Status.SystemBusy "
                "AND (Status.TriggerSeqRejected = UINT#0) AND StateTimer.Q",
                "CLEAR",
                "the station has taken the zeros and nothing is in flight",
                "工位已接收零值且无在途工件",
            ),
        ),
        "SettleTime",
    ),
    Step(
        CLEARING,
        "CLEAR",
        "BufferClear 1: results of parts that nobody waits for go",
        "BufferClear 为 1：清除无人等待的结果",
        (
            Move(
                "NOT Status.ResultsValid AND StateTimer.Q",
                "IDLE",
                "no result is shown",
                "无显示的结果",
                (
                    "BootId := Status.BootId;",
                    "Sequence := Status.TriggerSeqAck;",
                    "CommandSequence := Status.CommandSeqAck;",
                ),
            ),
        ),
        "SettleTime",
    ),
    Step(
        ENABLED_FROM,
        "IDLE",
        "TriggerEnable 1: waits for Trigger or Execute",
        "TriggerEnable 为 1：等待 Trigger 或 Execute",
        (
            Move(
                "TriggerRose AND MayTrigger",
                "TRIGGERED",
                "Trigger rises while Ready: TRIGGER_SEQ + 1",
                "Ready 时 Trigger 上升：TRIGGER_SEQ + 1",
                _TAKE_TRIGGER,
            ),
            Move(
                "CommandBusy",
                "COMMAND",
                "Execute rose: COMMAND_SEQ + 1",
                "Execute 已上升：COMMAND_SEQ + 1",
                _TAKE_COMMAND,
            ),
            Move(
                "RecordWhole",
                "DISCARD",
                "a record nobody here waits for",
                "出现无人等待的记录",
                ("AckId := Shown.InspectionId;",),
            ),
        ),
    ),
    Step(
        40,
        "TRIGGERED",
        "waits for TRIGGER_SEQ_ACK or TRIGGER_SEQ_REJECTED",
        "等待 TRIGGER_SEQ_ACK 或 TRIGGER_SEQ_REJECTED",
        (
            Move(
                "Status.TriggerSeqAck = Sequence",
                "JUDGING",
                "accepted",
                "已接受",
            ),
            Move(
                "Status.TriggerSeqRejected = Sequence",
                "IDLE",
                "refused, REJECT_REASON says why",
                "被拒绝，原因见 REJECT_REASON",
                (
                    f"FaultCode := {u16('Station.RejectReason')};",
                    f"IF FaultCode = UINT#0 THEN FaultCode := UINT#{Fault.REFUSED.value}; END_IF;",
                ),
            ),
            Move(
                "StateTimer.Q",
                "ZEROS",
                "AnswerTime is over",
                "AnswerTime 到",
                (fault(Fault.NO_ANSWER),),
            ),
        ),
    ),
    Step(
        50,
        "JUDGING",
        "accepted: waits for this part's record",
        "已接受：等待本件的记录",
        (
            Move(
                "RecordWhole AND (Shown.TriggerSeq = Sequence)",
                "TAKEN",
                "the record is whole and this part's",
                "记录完整且属于本件",
                _TAKE_RESULT,
            ),
            Move(
                "RecordWhole",
                "DISCARD",
                "the record of another part",
                "其他工件的记录",
                ("AckId := Shown.InspectionId;",),
            ),
            Move(
                "ResultTimer.Q",
                "ZEROS",
                "ResultTime is over",
                "ResultTime 到",
                (fault(Fault.NO_RESULT),),
            ),
        ),
    ),
    Step(
        55,
        "DISCARD",
        "acknowledges a record that is nobody's here",
        "确认不属于本程序的记录",
        (
            Move(
                f"PartOpen AND ({_GONE})",
                "JUDGING",
                "it is gone",
                "记录已消失",
            ),
            Move(
                _GONE,
                "IDLE",
                "it is gone, no part is open",
                "记录已消失，无未完成工件",
            ),
            Move(
                "StateTimer.Q",
                "ZEROS",
                "AnswerTime is over",
                "AnswerTime 到",
                (fault(Fault.ACK_UNANSWERED),),
            ),
        ),
    ),
    Step(
        60,
        "TAKEN",
        "RESULT_ACK_ID = INSPECTION_ID: the verdict stands at the outputs",
        "RESULT_ACK_ID = INSPECTION_ID：判定已在输出端",
        (
            Move(
                _GONE,
                "IDLE",
                "the record is gone",
                "记录已消失",
            ),
            Move(
                "StateTimer.Q",
                "ZEROS",
                "AnswerTime is over",
                "AnswerTime 到",
                (fault(Fault.ACK_UNANSWERED),),
            ),
        ),
    ),
    Step(
        70,
        "COMMAND",
        "waits for COMMAND_SEQ_ACK and the command's end",
        "等待 COMMAND_SEQ_ACK 及命令结束",
        (
            Move(
                "(Status.CommandSeqAck = CommandSequence) AND (Status.CommandCompleted OR Status.CommandFailed)",
                "IDLE",
                "completed or failed",
                "完成或失败",
                _END_COMMAND,
            ),
            Move(
                "StateTimer.Q",
                "ZEROS",
                "its time is over",
                "超时",
                (fault(Fault.COMMAND_UNANSWERED),),
            ),
        ),
        "CommandTime",
    ),
)
NUMBERS = {step.name: step.number for step in STEPS}
