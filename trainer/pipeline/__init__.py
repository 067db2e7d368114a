"""From good photographs to a signed model package: train, calibrate, export, verify, package."""
