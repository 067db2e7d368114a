"""The inspection station: PLC trigger in, OK or NG out."""

__version__ = "0.1.0"
