"""From a trained network to the graph that an edge runs."""
