"""``./okng demo``: the whole job on real processes, with rendered parts instead of a production line.

A training server, its worker, a station and a PLC run as processes of their own. The box is enrolled, good
photographs are collected and uploaded, two models are trained by jobs, delivered and activated without a
restart, the PLC drives 40 parts of each product through the station, and the results come back to the server.
What is shown is what was measured::

    python -m trainer.demo --seed 1
"""
