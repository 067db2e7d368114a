"""What edge and trainer both read and write: the model package and its signatures."""
