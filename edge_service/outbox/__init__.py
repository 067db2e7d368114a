"""Where inspections wait for the server."""
