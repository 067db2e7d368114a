"""A populated printed circuit board, seen by a camera above it."""
