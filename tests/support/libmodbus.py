"""libmodbus by ctypes: the C library behind many masters drives a station over TCP or a serial line."""

import ctypes
import ctypes.util
import os

import pytest

_ENABLE = 0x0025  # TriggerEnable, BufferResultsEnable, SequenceMode


class LibModbus:
    """The loaded library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.modbus_new_tcp.restype = library.modbus_new_rtu.restype = ctypes.c_void_p

    @classmethod
    def load(cls) -> "LibModbus":
        """Load it, or skip; with OKNG_REQUIRE_PEERS=1 it fails."""
        name = ctypes.util.find_library("modbus")
        if name is None and os.environ.get("OKNG_REQUIRE_PEERS") == "1":
            pytest.fail("libmodbus is not installed, and OKNG_REQUIRE_PEERS=1 asks for it")
        if name is None:
            pytest.skip("libmodbus is not installed (Debian: libmodbus5)")
        return cls(ctypes.CDLL(name))

    def tcp(self, host: str, port: int) -> ctypes.c_void_p:
        """Return a context for TCP."""
        return ctypes.c_void_p(self._library.modbus_new_tcp(host.encode(), port))

    def rtu(self, device: str, baud: int, parity: str, unit: int) -> ctypes.c_void_p:
        """Return a context for a serial line."""
        parity_byte = ctypes.c_char(parity.encode())
        context = ctypes.c_void_p(self._library.modbus_new_rtu(device.encode(), baud, parity_byte, 8, 1))
        assert self._library.modbus_set_slave(context, unit) == 0
        assert self._library.modbus_set_response_timeout(context, 2, 0) == 0
        return context

    def drive(self, context: ctypes.c_void_p, parts: int) -> list[tuple[int, int]]:
        """Inspect parts in sequence mode; return trigger sequence and verdict of each."""
        library = self._library
        words = (ctypes.c_uint16 * 120)()
        seen = []
        try:
            assert library.modbus_connect(context) == 0

            def write(*values: int) -> None:
                block = (ctypes.c_uint16 * len(values))(*values)
                assert library.modbus_write_registers(context, 0, len(values), block) == len(values)

            write(0, 0, 0, 0, 0)
            write(_ENABLE, 0, 0, 0, 0)
            acknowledged = 0
            for sequence in range(1, parts + 1):
                write(_ENABLE, 0, sequence, acknowledged, 0)
                while True:
                    assert library.modbus_read_input_registers(context, 0, 120, words) == 120
                    if words[0] & 0x0800 and words[11] == sequence and words[10] == words[63]:
                        break
                acknowledged = words[10]
                seen.append((words[11], words[13]))
                write(_ENABLE, 0, sequence, acknowledged, 0)
            bits = (ctypes.c_uint8 * 32)()
            assert library.modbus_read_input_bits(context, 0, 32, bits) == 32
            assert library.modbus_read_registers(context, 36, 1, words) == -1
        finally:
            library.modbus_close(context)
            library.modbus_free(context)
        return seen
