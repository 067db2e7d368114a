"""Numbers that wrap: 1..65535, then 1 again; 0 means none."""

LAST = 65535


def after(number: int) -> int:
    """Return the number that follows ``number`` (0 counts as none)."""
    return number % LAST + 1


def wrapped(counter: int) -> int:
    """Return a counter of any size (1, 2, ...) as a 16-bit number that is never 0."""
    return (counter - 1) % LAST + 1
