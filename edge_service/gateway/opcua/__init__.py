"""The OPC UA server, in a thread of the gateway: tags for PLCs and SCADA, methods, and who may use them.

It knows the station only through the link. asyncua (LGPL) is imported here and nowhere else; what is wrong
with it is mended in ``mended``. Nothing is imported with the package itself: certificates and users are the
command line's, too, and need no asyncua.
"""
