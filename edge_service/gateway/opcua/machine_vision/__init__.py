"""OPC 40100-1: the vision system that SCADA and MES know from the standard, over the one handshake.

The state machine here is a view of the core's; methods ask the core and never decide by themselves.
"""
