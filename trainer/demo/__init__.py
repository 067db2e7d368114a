"""``./okng demo``: the whole job on real processes, with rendered parts instead of a production line.

Good photographs are collected, two models are trained, delivered and activated, and a PLC (a process of
its own) drives 40 parts of each product through the station. What is shown is what was measured::

    python -m trainer.demo --seed 1
"""
