"""Sending a package's bytes, whole or from where a broken download stopped."""

from starlette.responses import Response, StreamingResponse

from trainer.api.ranges import wanted_part
from trainer.blobs import BlobFolder
from trainer.registry import StoredPackage


def send_package(
    package: StoredPackage, blobs: BlobFolder, ranges: str | None, if_range: str | None
) -> Response:
    """Return 200 or 206 with the bytes. Raises RequestError RANGE."""
    etag, size = f'"{package.sha256}"', package.size_bytes
    head = {"ETag": etag, "Accept-Ranges": "bytes"}
    part = wanted_part(ranges, if_range, etag, size)
    start, length, status = (0, size, 200) if part is None else (part.start, part.length, 206)
    if part is not None:
        head["Content-Range"] = part.content_range
    head["Content-Length"] = str(length)
    return StreamingResponse(
        blobs.chunks(package.sha256, start, length), status, head, media_type="application/octet-stream"
    )
