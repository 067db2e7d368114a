"""Photographs in: reading, naming what is odd about them, and varying the few there are."""
