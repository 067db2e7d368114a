"""The frozen teacher: its weights, and where they come from."""
