"""Facts of an inspection, as frozen dataclasses. Nothing here awaits, logs, sleeps or reads a clock."""
