"""Of everything that failed together, the one error that a person should read."""

from edge_service.errors import OkngError


def only_error(group: BaseExceptionGroup[OkngError]) -> OkngError:
    """Return the first error of the (nested) group: what failed first took the others with it."""
    first = group.exceptions[0]
    return only_error(first) if isinstance(first, BaseExceptionGroup) else first
