"""From a frame's pixels to a raw score and a raw anomaly map."""
