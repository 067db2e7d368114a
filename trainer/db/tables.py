"""Every table of the server.

Rules: times are Unix seconds UTC of the server's clock and only ever shown, nothing is ordered by them
(clocks jump); what came first has the smaller ``id``. Tokens and codes are stored as their SHA-256.
Whole messages are kept as the JSON that was read, with the fields that this version does not know.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_SHA256 = String(64)
_NAME = String(127)
_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in a plain INTEGER

people = Table(
    "people",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("token_sha256", _SHA256, nullable=False, unique=True),
    Column("made_at", Double, nullable=False),
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("code_sha256", _SHA256, primary_key=True),
    Column("station", _NAME),  # NULL: any
    Column("made_by", _NAME, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)

edges = Table(
    "edges",
    metadata,
    Column("station", _NAME, primary_key=True),
    Column("token_sha256", _SHA256, unique=True),  # NULL: revoked
    Column("enrolled_at", Double, nullable=False),
    Column("software", Text, nullable=False),
    Column("health", Text),  # HealthReport
    Column("health_at", Double),
)

images = Table(
    "images",
    metadata,
    Column("sha256", _SHA256, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(32), nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("received_at", Double, nullable=False),
)

image_losses = Table(
    "image_losses",
    metadata,
    Column("station", _NAME, primary_key=True),
    Column("sha256", _SHA256, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("received_at", Double, nullable=False),
)

inspections = Table(
    "inspections",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("global_id", String(200), nullable=False, unique=True),
    Column("station", _NAME, nullable=False),
    Column("boot_id", BigInteger, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("recipe", Integer, nullable=False),
    Column("product", _NAME),  # the model's name; NULL where none judged
    Column("score", Double, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("captured_at", Double),
    Column("received_at", Double, nullable=False),
    Column("digest", _SHA256, nullable=False),
    Column("document", Text, nullable=False),  # InspectionRecord
    Index(None, "station", "id"),
    Index(None, "verdict", "id"),
    Index(None, "product", "id"),
)

inspection_images = Table(
    "inspection_images",
    metadata,
    Column("inspection", _BIG, ForeignKey("inspections.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("sha256", _SHA256, nullable=False, index=True),
)

samples = Table(
    "samples",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("station", _NAME, nullable=False),
    Column("sample_id", _NAME, nullable=False),
    Column("product", _NAME, nullable=False),
    Column("sha256", _SHA256, nullable=False, index=True),
    Column("origin", String(16), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("left_out", Boolean, nullable=False),  # a person decided not to train from it
    Column("received_at", Double, nullable=False),
    Column("digest", _SHA256, nullable=False),
    Column("document", Text, nullable=False),  # SampleUpload
    Index(None, "station", "sample_id", unique=True),
    Index(None, "product", "id"),
)

packages = Table(
    "packages",
    metadata,
    Column("sha256", _SHA256, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("version", _NAME, nullable=False),
    Column("digest", _SHA256, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("manifest", Text, nullable=False),
    Column("job", BigInteger),
    Column("made_at", Double, nullable=False),
    Index(None, "name", "version", unique=True),
)

assignments = Table(
    "assignments",
    metadata,
    Column("station", _NAME, ForeignKey("edges.station"), primary_key=True),
    Column("recipe", Integer, primary_key=True),
    Column("package_sha256", _SHA256, ForeignKey("packages.sha256"), nullable=False),
    Column("made_by", _NAME, nullable=False),
    Column("made_at", Double, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("product", _NAME, nullable=False),
    Column("version", _NAME, nullable=False),
    Column("settings", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("made_by", _NAME, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("tries", Integer, nullable=False),
    Column("worker", _NAME),  # who holds it, for people
    Column("claim", String(64)),  # only the holder of this very claim may write
    Column("beats", BigInteger, nullable=False),  # counts up while the holder lives
    Column("progress", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("package_sha256", _SHA256),
    Column("picture_sha256", _SHA256),
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("job", _BIG, ForeignKey("jobs.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "job", "id"),
)
