"""How a PLC talks to the station: the register codec and its servers."""
