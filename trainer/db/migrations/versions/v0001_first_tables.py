"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table(
        "edges",
        sa.Column("station", sa.String(length=127), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=True),
        sa.Column("enrolled_at", sa.Double(), nullable=False),
        sa.Column("software", sa.Text(), nullable=False),
        sa.Column("health", sa.Text(), nullable=True),
        sa.Column("health_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_edges")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_edges_token_sha256")),
    )
    op.create_table(
        "enrolment_codes",
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=127), nullable=True),
        sa.Column("made_by", sa.String(length=127), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_enrolment_codes")),
    )
    op.create_table(
        "image_losses",
        sa.Column("station", sa.String(length=127), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("station", "sha256", name=op.f("pk_image_losses")),
    )
    op.create_table(
        "images",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_images")),
    )
    op.create_table(
        "inspections",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("global_id", sa.String(length=200), nullable=False),
        sa.Column("station", sa.String(length=127), nullable=False),
        sa.Column("boot_id", sa.BigInteger(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("recipe", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(length=127), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=True),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
        sa.UniqueConstraint("global_id", name=op.f("uq_inspections_global_id")),
    )
    op.create_index(op.f("ix_inspections_product_id"), "inspections", ["product", "id"], unique=False)
    op.create_index(op.f("ix_inspections_station_id"), "inspections", ["station", "id"], unique=False)
    op.create_index(op.f("ix_inspections_verdict_id"), "inspections", ["verdict", "id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=127), nullable=False),
        sa.Column("version", sa.String(length=127), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_by", sa.String(length=127), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=127), nullable=True),
        sa.Column("claim", sa.String(length=64), nullable=True),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("package_sha256", sa.String(length=64), nullable=True),
        sa.Column("picture_sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"], unique=False)
    op.create_table(
        "packages",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("version", sa.String(length=127), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("job", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_packages")),
    )
    op.create_index(op.f("ix_packages_name_version"), "packages", ["name", "version"], unique=True)
    op.create_table(
        "people",
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_people")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_people_token_sha256")),
    )
    op.create_table(
        "samples",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("station", sa.String(length=127), nullable=False),
        sa.Column("sample_id", sa.String(length=127), nullable=False),
        sa.Column("product", sa.String(length=127), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("left_out", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
    )
    op.create_index(op.f("ix_samples_product_id"), "samples", ["product", "id"], unique=False)
    op.create_index(op.f("ix_samples_sha256"), "samples", ["sha256"], unique=False)
    op.create_index(op.f("ix_samples_station_sample_id"), "samples", ["station", "sample_id"], unique=True)
    op.create_table(
        "assignments",
        sa.Column("station", sa.String(length=127), nullable=False),
        sa.Column("recipe", sa.Integer(), nullable=False),
        sa.Column("package_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.String(length=127), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_sha256"], ["packages.sha256"], name=op.f("fk_assignments_package_sha256")
        ),
        sa.ForeignKeyConstraint(["station"], ["edges.station"], name=op.f("fk_assignments_station")),
        sa.PrimaryKeyConstraint("station", "recipe", name=op.f("pk_assignments")),
    )
    op.create_table(
        "inspection_images",
        sa.Column("inspection", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection"], ["inspections.id"], name=op.f("fk_inspection_images_inspection")
        ),
        sa.PrimaryKeyConstraint("inspection", "place", name=op.f("pk_inspection_images")),
    )
    op.create_index(op.f("ix_inspection_images_sha256"), "inspection_images", ["sha256"], unique=False)
    op.create_table(
        "job_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("job", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_job_events_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
    )
    op.create_index(op.f("ix_job_events_job_id"), "job_events", ["job", "id"], unique=False)
