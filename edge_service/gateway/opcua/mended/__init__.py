"""asyncua 2.1.0 as a server that may stand in a plant: its faults, mended from outside in this one folder.

Nothing of asyncua is copied or changed on disk. ``tests/unit/opcua/test_asyncua_faults.py`` shows each fault
on the bare library; a test there fails when upstream mends its fault, and then the mend here can go.

======================================================================== =====================
fault of the bare server                                                 mended in
======================================================================== =====================
an array of Nulls, or a string of negative length: memory without end    ``decoding``
a frame of 4 GB is collected; half frames for ever; garbage is ignored   ``transport``
a client that does not read makes the server's buffer grow without end   ``transport``
messages are answered without a secure channel, as if security were None ``transport``
the certificate of a channel is never checked, only the one it shows     ``processor``
``None`` works though no endpoint offers it                              ``processor``
a certificate without its key makes its owner's rights                   ``processor``
any number of sessions a connection, each kept for ever                  ``processor``
session tokens can be guessed, and used from any other channel           ``processor``, ``session``
anybody registers servers, unbounded                                     ``processor``
28,000 method calls in one message, decoded and run                      ``processor``
passwords in the clear, replayed, or under RSA 1.5                       ``identity``
anybody works on anybody's subscriptions                                 ``session``
publishing interval 0: a busy loop                                       ``session``
Republish of what is not there answers Good and empty                    ``session``
a transferred subscription never publishes again                         ``session``
wrong method arguments give BadUnexpectedError                           ``session``
OfType does not know subtypes                                            ``filters``
======================================================================== =====================

The classes inherit from asyncua's, against the rule of this code base: it offers no other way in.
"""
