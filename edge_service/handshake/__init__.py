"""The PLC conversation as a pure state machine."""
