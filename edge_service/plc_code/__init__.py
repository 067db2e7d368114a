"""What a PLC programmer takes over as it is: ``FB_OKNG`` in IEC 61131-3 Structured Text and an example.

Second edition (2003) and nothing beyond it, so that any compiler of the standard takes it: comments
``(* *)`` only, every conversion explicit, located and other variables in separate blocks, words picked
apart by masks and arithmetic, TON and CTU the only library blocks. Addresses and masks come from
``domain/signals.py``; the block's steps from ``steps.py``, which the documentation is drawn from, too::

    okng-edge registers --format st > okng.st
"""
