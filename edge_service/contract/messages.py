"""What an edge and its server say to each other, as JSON over HTTP.

Rules that both sides keep:

- ``format_version`` says how to read a message. A reader refuses a newer one (it may mean something else)
  and tolerates fields that it does not know, **keeping** them: what it passes on or stores still has them.
- Everything an edge sends carries its own key, so that sending twice is the same as sending once: an
  inspection its global id (station, boot id, 64-bit counter), a sample its ``sample_id``, an image its
  SHA-256.
- Images travel apart from what they belong to. A receipt names the images that the server still lacks, in
  whatever order things arrive; an image that will never come is reported in ``ImageLosses``.
- Times named ``*_at`` are Unix seconds UTC of the *sender's* clock. A reader never orders by them or trusts
  them: clocks jump. Numbers are finite.

Example::

    record = read(InspectionRecord, body)       # raises MessageError
    body = write(record)                        # bytes; unknown fields still there

``contract/routes.py`` has the addresses and the bounds.
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from edge_service.contract.routes import MAX_BATCH
from edge_service.errors import MessageError
from edge_service.language import say

FORMAT_VERSION = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A station, product, model or version: safe as a file name and in an address."""
SampleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$")]
SerialHex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){0,40}$")]
Text = Annotated[str, StringConstraints(max_length=500)]
Counter = Annotated[int, Field(ge=0, lt=2**63)]
U16 = Annotated[int, Field(ge=0, lt=2**16)]
U32 = Annotated[int, Field(ge=0, lt=2**32)]
RecipeNumber = Annotated[int, Field(ge=0, le=999)]
Time = Annotated[float, Field(ge=0, lt=1e11)]


class Part(BaseModel):
    """A piece of a message: frozen, finite, keeps what it does not know."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, protected_namespaces=())


class Message(Part):
    """A whole message: a part that says its format."""

    format_version: int = FORMAT_VERSION

    @field_validator("format_version")
    @classmethod
    def _known(cls, version: int) -> int:
        if not 1 <= version <= FORMAT_VERSION:
            raise ValueError(
                say(
                    f"format_version {version} is not one this side reads (1 to {FORMAT_VERSION}): "
                    "update the older side",
                    f"format_version {version} 不受支持（可读 1 到 {FORMAT_VERSION}）：请升级较旧的一端",
                )
            )
        return version


class VerdictName(StrEnum):
    """``domain.Verdict`` by name."""

    OK = "OK"
    NG = "NG"
    UNDECIDED = "UNDECIDED"
    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"
    SAMPLE = "SAMPLE"


class Software(Part):
    """What runs on a box."""

    okng: Text
    python: Text = ""
    openvino: Text = ""
    system: Text = ""


class EnrolmentRequest(Message):
    """A box shows the one-time code that a person made on the server."""

    code: Annotated[str, StringConstraints(min_length=4, max_length=64)]
    station: Name
    software: Software


class EnrolmentAnswer(Message):
    """The box's token, shown once (``Authorization: Bearer TOKEN``), and the key that signs models."""

    station: Name
    token: Annotated[str, StringConstraints(min_length=20, max_length=200)]
    key_id: Text
    public_key: Sha256  # 32 raw Ed25519 bytes in hex
    server: Text


class ImageReference(Part):
    """An image that a record or sample has; its bytes travel apart, under this SHA-256."""

    role: Literal["frame", "heat_map"] = "frame"
    sha256: Sha256
    size_bytes: Annotated[int, Field(gt=0, lt=2**31)]
    media_type: Literal["image/jpeg", "image/png"]
    width_px: Annotated[int, Field(gt=0, lt=2**16)] | None = None
    height_px: Annotated[int, Field(gt=0, lt=2**16)] | None = None


class ImageReceipt(Message):
    """The server has the image, checked and on disk."""

    sha256: Sha256
    duplicate: bool


class ImageLoss(Part):
    """An image that will not come, and why ("quota", "unreadable")."""

    sha256: Sha256
    reason: Text


class ImageLosses(Message):
    """Images that the box gave up, so that the server does not wait for them."""

    losses: Annotated[tuple[ImageLoss, ...], Field(max_length=MAX_BATCH)]


class SampleUpload(Message):
    """One good photograph for a product's training set."""

    sample_id: SampleId
    station: Name
    product: Name
    image: ImageReference
    recipe: RecipeNumber = 0
    captured_at: Time | None = None
    origin: Literal["collect", "import"] = "collect"
    simulated: bool = False


class ModelReference(Part):
    """Which model judged; ``digest`` is the SHA-256 of its manifest."""

    name: Name
    version: Name
    digest: Sha256


class InspectionRecord(Message):
    """Everything that is known of one inspected part."""

    station: Name
    boot_id: Counter
    counter: Counter
    verdict: VerdictName
    code: U16 = 0
    score: float = 0.0  # raw
    threshold: float = 0.0  # raw
    defect_class: U16 = 0
    defect_x: int | None = None  # pixels of the frame
    defect_y: int | None = None
    defect_area_px: Counter = 0
    recipe: RecipeNumber
    model: ModelReference | None = None
    trigger_source: Text
    acquisition_id: U16
    sequence: U16 = 0
    serial_hex: SerialHex = ""
    encoder: U32 = 0
    captured_at: Time | None = None
    trigger_to_exposure_ms: float = 0.0
    inference_ms: float = 0.0
    trigger_to_publish_ms: float = 0.0
    configuration_checksum: U32 = 0
    simulated: bool = False
    on_cpu: bool = False
    images: Annotated[tuple[ImageReference, ...], Field(max_length=4)] = ()

    @property
    def global_id(self) -> str:
        """Station, boot and counter: unique for ever."""
        return f"{self.station}-{self.boot_id}-{self.counter}"


class InspectionBatch(Message):
    """Records as they lie; each is read for itself, so that one bad record spoils no other."""

    records: Annotated[tuple[dict[str, object], ...], Field(min_length=1, max_length=MAX_BATCH)]


class ReceiptState(StrEnum):
    """What became of one record or sample. All four are final: the sender need not send it again."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # the very same is already there
    CONFLICT = "conflict"  # something else is there under this id; the first stays
    REFUSED = "refused"  # it cannot be read; ``reason`` says why


class Receipt(Part):
    """The server's word on one record (``id`` its global id) or sample (its ``sample_id``)."""

    id: Annotated[str, StringConstraints(max_length=200)]
    state: ReceiptState
    reason: Text = ""
    missing_images: tuple[Sha256, ...] = ()


class Receipts(Message):
    """One receipt for each thing sent, in the order sent."""

    receipts: tuple[Receipt, ...]


class Device(Part):
    """What judges on the box."""

    kind: Text  # "GPU", "CPU"
    name: Text = ""


class Disk(Part):
    """Room on the box, in bytes."""

    free_bytes: Counter
    total_bytes: Counter
    outbox_bytes: Counter = 0
    outbox_quota_bytes: Counter = 0


class Backlog(Part):
    """What waits in the box's outbox, and what its quota dropped since the box was set up."""

    records: Counter = 0
    samples: Counter = 0
    images: Counter = 0
    images_dropped: Counter = 0


class InstalledModel(Part):
    """A model on the box and what became of it; ``refused`` comes with the PLC's code and the reason."""

    model: ModelReference
    state: Literal["staged", "active", "previous", "refused", "rolled_back"]
    recipe: RecipeNumber = 0
    code: U16 = 0
    reason: Text = ""


class HealthReport(Message):
    """What a box says of itself, every half minute or so."""

    station: Name
    boot_id: Counter
    sent_at: Time
    uptime_s: Annotated[float, Field(ge=0)]
    state: Text  # "ready", "busy", "fault", ...
    software: Software
    configuration_checksum: U32
    device: Device | None = None
    disk: Disk
    backlog: Backlog = Backlog()
    models: Annotated[tuple[InstalledModel, ...], Field(max_length=200)] = ()
    inspected: Counter = 0
    missed_triggers: Counter = 0
    error_code: U16 = 0


class HealthAnswer(Message):
    """The server's clock, and the tag of the models it wants on this box (poll when it changes)."""

    server_time: Time
    models_etag: Text


class ModelAssignment(Part):
    """Which model belongs on a recipe. ``url`` is a path on the server; it serves ranges."""

    recipe: RecipeNumber
    model: ModelReference
    package_sha256: Sha256
    size_bytes: Counter
    url: Text
    key_id: Text


class ModelAssignments(Message):
    """All that the server wants on one box. ``etag`` is also the answer's ETag, for If-None-Match."""

    station: Name
    etag: Text
    assignments: tuple[ModelAssignment, ...]


class ErrorAnswer(Message):
    """Every refusal of the server. ``retry`` false: sending the same again will be refused again."""

    error: Text  # a short word programs compare: "unauthorised", "too_large", "disk_full", ...
    what: Annotated[str, StringConstraints(max_length=4000)]
    remedy: Annotated[str, StringConstraints(max_length=4000)] = ""
    retry: bool = False
    retry_after_s: float | None = None


AnyPart = TypeVar("AnyPart", bound=Part)


def read(kind: type[AnyPart], body: bytes | str) -> AnyPart:
    """Return the message in ``body`` (JSON). Raises MessageError naming the first fields that are wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise MessageError(
            f"{kind.__name__}: {first_faults(error)}",
            remedy=say("Run the same version of okng on both sides.", "请在两端运行相同版本的 okng。"),
        ) from error


def write(message: Part) -> bytes:
    """Return the message as JSON in UTF-8, with the fields that this side does not know."""
    return message.model_dump_json().encode()


def first_faults(error: ValidationError, most: int = 3) -> str:
    """Return the first ``most`` faults as "field: what is wrong", without echoing long input."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{'.'.join(map(str, fault['loc'])) or '-'}: {fault['msg'][:200]}" for fault in faults[:most]]
    return "; ".join(told)
