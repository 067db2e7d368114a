"""Learning: from varied photographs to a network that gives distance maps."""
