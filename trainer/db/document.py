"""Whole messages as the tables keep them."""

import hashlib
import json


def digest_of(document: bytes) -> str:
    """Return the SHA-256 of a JSON document, however its fields are ordered."""
    canonical = json.dumps(json.loads(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
