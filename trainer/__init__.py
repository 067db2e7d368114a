"""The training side: good photographs in, a signed model package out."""
