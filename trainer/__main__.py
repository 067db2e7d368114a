"""``python -m trainer``: the same command line as ``okng-trainer``."""

from trainer.cli import main

if __name__ == "__main__":
    main()
