"""A world without hardware: rendered products, a ready model, a simulated PLC."""
