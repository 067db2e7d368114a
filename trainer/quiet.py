"""Importing anomalib without the deprecation warnings of its own dependencies."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing_quietly() -> Iterator[None]:
    """Silence FutureWarning and DeprecationWarning inside: they are for anomalib's authors, not for ours."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        yield
