"""``python -m edge_service``: the same command line as ``okng-edge``."""

from edge_service.cli import main

if __name__ == "__main__":
    main()
