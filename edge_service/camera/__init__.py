"""Where frames come from: one adapter a file, each implementing ``ports.Camera``."""
