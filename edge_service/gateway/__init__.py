"""The process that everybody but the PLC looks at: status page, last frame, and what is fetched."""
