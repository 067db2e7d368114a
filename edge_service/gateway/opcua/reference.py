"""``docs/reference/opc-ua.md``: every tag, method, state and limit, from the server's own tables."""

from collections.abc import Iterator

from edge_service.config.opcua import OpcUa
from edge_service.domain.signal import Block
from edge_service.domain.signals import SIGNALS
from edge_service.gateway.opcua.arguments import Argument
from edge_service.gateway.opcua.history import MOST_NODES
from edge_service.gateway.opcua.machine_vision.states import STATES, STEPS
from edge_service.gateway.opcua.machine_vision.system import OPTIONAL
from edge_service.gateway.opcua.machine_vision.table import NAMED, TABLE, URI, children
from edge_service.gateway.opcua.plain_methods import PLAIN_METHODS
from edge_service.gateway.opcua.tags import kind_of

_HEAD = f"""# OPC UA

Made from the code by `okng-edge registers --page opc-ua`; `ns=2` is `urn:okng:opcua`, `ns=3` is
`{URI}` (OPC 40100-1 v1.0.0). Node ids are paths and stay the same after every start. While the core
is away every variable has the status Bad_NoCommunication and no value.

## Who may do what

| role | may |
|---|---|
| observer (anonymous, unless configured) | browse, read, subscribe, query results, recipes and configurations |
| operator | also start, stop and abort jobs, Halt, Reset, acknowledge, write `PLC/Command` |
| engineer | also prepare recipes, SelectRecipe, ActivateConfiguration |

"""


def markdown() -> str:
    """Return the page."""
    return _HEAD + "\n".join([*_endpoint(), *_methods(), *_tags(), *_standard(), *_errors()]) + "\n"


def _endpoint() -> Iterator[str]:
    section = OpcUa()
    yield "## Endpoint and limits"
    yield ""
    yield f"`opc.tcp://HOST:{section.port}`; policies {', '.join(section.policies)}, each with Sign and"
    yield "SignAndEncrypt; None only with `allow_none`, and then for anonymous clients alone."
    yield ""
    yield "| limit (`gateway.opcua.limits`) | default | |"
    yield "|---|---|---|"
    for name, field in type(section.limits).model_fields.items():
        about = (field.description or "").split("\n")[0]
        yield f"| `{name}` | {getattr(section.limits, name)} | {about} |"
    yield ""


def _methods() -> Iterator[str]:
    yield "## Methods with plain arguments, under `PLC`"
    yield ""
    yield "`Error` is 0, or the negative [code](codes.md). A wrong number or type of arguments is"
    yield "Bad_ArgumentsMissing, Bad_TooManyArguments or Bad_InvalidArgument; a role that may not,"
    yield "Bad_UserAccessDenied."
    yield ""
    yield "| method | takes | gives | role |"
    yield "|---|---|---|---|"
    for name, (inputs, outputs, role) in PLAIN_METHODS.items():
        yield f"| `ns=2;s=PLC.{name}` | {_listed(inputs)} | {_listed(outputs)} | {role} |"
    yield ""


def _listed(arguments: tuple[Argument, ...]) -> str:
    from asyncua import ua  # noqa: PLC0415 - for the names of types alone

    shown = (f"{each.name} {ua.VariantType(each.data_type.Identifier).name}" for each in arguments)
    return ", ".join(shown) or "-"


def _tags() -> Iterator[str]:
    yield "## Tags"
    yield ""
    yield "`ns=2;s=PLC.NAME`. One Write request is one write of the command block: all its values together, or"
    yield "none. Values of a result have one SourceTimestamp, InspectionId first, InspectionIdEnd last."
    yield ""
    yield "`Result` has a history (HistoryRead, raw values, forwards or backwards): the last `gateway.opcua.results`"
    yield f"records that the PLC was shown since the core started, {MOST_NODES} nodes in a request."
    yield "`ResultManagement.GetResultListFiltered` has as many whole results, those the PLC never saw included."
    yield "After a restart of the gateway both have the last 100 again, from the core; no event tells of them."
    yield ""
    yield "| name | type | access | meaning |"
    yield "|---|---|---|---|"
    for signal in SIGNALS:
        access = "read, write" if signal.block is Block.COMMAND else "read"
        unit = f" [{signal.unit}]" if signal.unit else ""
        yield f"| `{signal.name}` | {kind_of(signal).name} | {access} | {signal.en}{unit} |"
    yield ""


def _standard() -> Iterator[str]:
    yield "## OPC 40100-1"
    yield ""
    yield "The station's object under Objects is a `VisionSystemType`. Offered of what the standard leaves open:"
    yield ", ".join(f"`{path}`" for path in sorted(OPTIONAL)) + "."
    yield ""
    yield "| state | number |"
    yield "|---|---|"
    for number, fact in sorted(STATES.items()):
        yield f"| {fact.name} | {number} |"
    yield ""
    yield "| transition | number | from | to | cause |"
    yield "|---|---|---|---|---|"
    for step in STEPS:
        source, target = STATES[step.source].name, STATES[step.target].name
        yield f"| {step.fact.name} | {step.number} | {source} | {target} | {', '.join(step.causes) or '-'} |"
    yield ""
    yield "| event | own fields |"
    yield "|---|---|"
    for name, fact in sorted(NAMED.items()):
        if name.endswith(("EventType", "ConditionType")) and fact.number in TABLE:
            own = ", ".join(child.name for child in children(fact.number)) or "-"
            yield f"| {name} | {own} |"
    yield ""
    yield "ResultContent is verdict, code, score, threshold, defect class, x, y, area, trigger sequence, inspection"
    yield "id. ResultState is 1 for a part that was judged (or sampled), 3 for a time-out, 4 for an error. JobId and"
    yield "ResultId are `STATION-BOOT-NUMBER`, never used twice."
    yield ""


def _errors() -> Iterator[str]:
    yield "## What a write answers"
    yield ""
    yield "| status | why |"
    yield "|---|---|"
    for status, why in (
        ("Bad_UserAccessDenied", "the role may not write"),
        ("Bad_TypeMismatch", "another type than the tag's"),
        ("Bad_OutOfRange", "a text that is too long, or no Latin-1"),
        (
            "Bad_RequestNotAllowed",
            "another writer owns the command block (warning 250), or a value beside it was refused",
        ),
        ("Bad_NoCommunication", "the core is away"),
        ("Bad_NotWritable", "not a tag of `PLC/Command`"),
    ):
        yield f"| {status} | {why} |"
