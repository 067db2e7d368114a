"""Fakes that implement the ports, and what tests of real processes share."""
