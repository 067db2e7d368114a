"""The server's addresses and bounds, as both sides know them.

All take and give the JSON of ``messages.py`` but for images and packages, which are plain bytes. All but
``ENROL`` need ``Authorization: Bearer TOKEN``. A refusal is an ``ErrorAnswer`` under a 4xx or 5xx.

=====================  =====================  =================================================
POST ``ENROL``         EnrolmentRequest       EnrolmentAnswer
POST ``INSPECTIONS``   InspectionBatch        Receipts
PUT  ``sample(id)``    SampleUpload           Receipt
PUT  ``image(sha)``    the image's bytes      ImageReceipt
POST ``IMAGE_LOSSES``  ImageLosses            204
POST ``HEALTH``        HealthReport           HealthAnswer
GET  ``MODELS``        If-None-Match          ModelAssignments with ETag, or 304
GET  ``package(sha)``  Range, If-Range        the package's bytes (200, 206 or 416)
=====================  =====================  =================================================
"""

from typing import Final

EDGE: Final = "/api/v1/edge"
ENROL: Final = f"{EDGE}/enrol"
INSPECTIONS: Final = f"{EDGE}/inspections"
IMAGE_LOSSES: Final = f"{EDGE}/image-losses"
HEALTH: Final = f"{EDGE}/health"
MODELS: Final = f"{EDGE}/models"

MAX_BATCH: Final = 200
"""Records in one InspectionBatch, losses in one ImageLosses."""
MAX_JSON_BYTES: Final = 2 * 1024 * 1024


def sample(sample_id: str) -> str:
    """Where to PUT the sample with this id."""
    return f"{EDGE}/samples/{sample_id}"


def image(sha256: str) -> str:
    """Where to PUT the bytes whose SHA-256 this is."""
    return f"{EDGE}/images/{sha256}"


def package(sha256: str) -> str:
    """Where to GET the model package whose SHA-256 this is."""
    return f"{EDGE}/packages/{sha256}"
