"""The local socket between core and gateway: snapshot, events, commands."""
