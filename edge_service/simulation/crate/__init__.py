"""A crate of twenty bottles, seen by a camera above its middle."""
