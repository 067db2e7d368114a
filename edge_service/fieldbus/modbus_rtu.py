"""Modbus RTU server on a serial line that other stations may share.

It speaks only when spoken to: a request for its unit is answered t3.5 after its last byte (3.5 characters;
1.75 ms above 19200 baud), everything else is passed over in silence (``rtu_frames.py`` says how frames are
told apart). A write to everybody (unit 0) is ignored, or with ``broadcast`` carried out and not answered.

A port that vanishes (an adapter pulled out) raises 231 until it is back; the conversation belongs to the
station and stands meanwhile::

    server = ModbusRtuServer(ModbusRtuSettings(device="/dev/ttyUSB0"), Memory(station))
    await server.run()      # until cancelled
"""

import asyncio
import errno
import os
import termios
from contextlib import suppress
from dataclasses import dataclass, field

import serial
import structlog
from serial.rs485 import RS485Settings

from edge_service.errors import ConfigurationError
from edge_service.fieldbus.device_identification import DeviceIdentification
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.quiet_log import QuietLog
from edge_service.fieldbus.registers import Orders, Wire
from edge_service.fieldbus.responder import Responder
from edge_service.fieldbus.rtu_frames import BROADCAST, RtuReader, framed
from edge_service.language import say
from edge_service.lifecycle import Backoff

log = structlog.get_logger()

_BITS = 11  # start, eight, parity or second stop, stop
_FAST_BAUD, _FAST_T35_S = 19200, 0.00175
_ECHO_GRACE_S = 0.05  # an adapter may deliver the echo in its next batch
_PIECE = 4096
_WRITES = frozenset({5, 6, 15, 16, 22})


@dataclass(frozen=True, slots=True)
class ModbusRtuSettings:
    """The line and who we are on it. ``parity``: "E", "O" or "N"."""

    device: str
    baud: int = 19200
    parity: str = "E"
    stop_bits: int = 1
    unit_id: int = 1
    broadcast: bool = False
    rs485: bool = False
    local_echo: bool = False
    orders: Orders = field(default_factory=Orders)
    version: str = ""
    station: str = ""

    @property
    def t35_s(self) -> float:
        """Silence that ends a frame (clause 2.5.1.1)."""
        return _FAST_T35_S if self.baud > _FAST_BAUD else 3.5 * _BITS / self.baud


class PortLostError(Exception):
    """The serial port went away."""


class ModbusRtuServer:
    """Serves one serial port for as long as ``run`` runs. The port's name is the writer."""

    def __init__(self, settings: ModbusRtuSettings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        identification = DeviceIdentification(version=settings.version, station=settings.station)
        self._responder = Responder(memory, Wire(settings.orders), identification)
        self.listening = asyncio.Event()  # set while the port is open

    def address(self) -> str:
        """Where it listens, for people."""
        return self._settings.device

    async def run(self) -> None:
        """Serve until cancelled; open the port again whenever it went away.

        Raises ConfigurationError where this port can never be set so.
        """
        backoff, lost = Backoff(), False
        while True:
            try:
                port = open_port(self._settings)
            except OSError as error:
                if not lost:
                    log.warning(
                        "modbus_rtu_no_port", device=self.address(), error=str(error), remedy=_remedy(error)
                    )
                    self._memory.link(self.address(), there=False)
                lost = True
            else:
                if lost:
                    self._memory.link(self.address(), there=True)
                backoff.reset()
                log.info("modbus_rtu_open", device=self.address(), baud=self._settings.baud)
                lost = await self._serve(port)
            await asyncio.sleep(backoff.next_s())

    async def _serve(self, port: serial.Serial) -> bool:
        """Serve until the port is lost; return True."""
        conversation = _Line(self._settings, self._responder, port)
        try:
            self.listening.set()
            await conversation.lost
        except PortLostError as error:
            log.warning("modbus_rtu_port_lost", device=self.address(), error=str(error))
            self._memory.link(self.address(), there=False)
        finally:
            self.listening.clear()
            conversation.close()
            with suppress(OSError):
                port.close()
        return True


class _Line:
    """One opened port; everything happens in the event loop's callbacks."""

    def __init__(self, settings: ModbusRtuSettings, responder: Responder, port: serial.Serial) -> None:
        self._settings, self._responder = settings, responder
        self._loop = asyncio.get_running_loop()
        self._port, self._descriptor = port, port.fileno()
        self._reader = RtuReader(settings.unit_id)
        self._silence: asyncio.TimerHandle | None = None
        self._log = QuietLog(self._loop.time)
        self._echo = b""  # of our own reply, still to come
        self._echo_until = 0.0
        self._last_reply = b""
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._descriptor, self._readable)

    def close(self) -> None:
        """Look at the port no more."""
        self._loop.remove_reader(self._descriptor)
        if self._silence is not None:
            self._silence.cancel()

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, _PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(PortLostError(error.strerror))
            return
        if not data:
            self._lose(PortLostError(say("the port ended", "串口已断开")))
            return
        if self._silence is not None:
            self._silence.cancel()
        if data := self._without_echo(data):
            self._reader.feed(data, self._loop.time())
        self._silence = self._loop.call_later(self._settings.t35_s, self._quiet)

    def _quiet(self) -> None:
        request = self._reader.quiet()
        if self._reader.dropped:
            self._log.warning("modbus_rtu_noise", device=self._settings.device, bytes=self._reader.dropped)
            self._reader.dropped = 0
        if request is None:
            return
        try:
            self._answer(request)
        except Exception as error:  # noqa: BLE001 - a bug of ours: whoever runs the server must see it
            self._lose(error)

    def _answer(self, request: bytes) -> None:
        unit, pdu = request[0], request[1:]
        if unit == BROADCAST:
            if self._settings.broadcast and pdu[0] in _WRITES:
                self._responder.answer(pdu, self._settings.device)
            return
        reply = framed(bytes((unit,)) + self._responder.answer(pdu, self._settings.device))
        try:
            written = os.write(self._descriptor, reply)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lose(PortLostError(error.strerror))
            return
        if written < len(reply):
            self._log.warning("modbus_rtu_line_stuck", device=self._settings.device)
        self._last_reply = reply
        if self._settings.local_echo:
            on_the_wire_s = len(reply) * _BITS / self._settings.baud
            self._echo, self._echo_until = reply, self._loop.time() + on_the_wire_s + _ECHO_GRACE_S

    def _without_echo(self, data: bytes) -> bytes:
        """Return what others sent, where the adapter hears what it sends itself."""
        if not self._echo or self._loop.time() > self._echo_until:
            self._echo = b""
            return data
        common = min(len(self._echo), len(data))
        if self._echo[:common] != data[:common]:
            self._echo = b""
            return data
        self._echo = self._echo[common:]
        return data[common:]

    def _lose(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_exception(error)
        self.close()


def open_port(settings: ModbusRtuSettings) -> serial.Serial:
    """Open the port, ours alone. Raises OSError (serial.SerialException is one), ConfigurationError."""
    pseudo = os.path.realpath(settings.device).startswith("/dev/pts/")
    try:
        port = serial.Serial(
            settings.device,
            settings.baud,
            parity="N" if pseudo else settings.parity,  # a pseudo-terminal refuses what it cannot have
            stopbits=settings.stop_bits,
            timeout=0,
            exclusive=True,
        )
        if settings.rs485:
            port.rs485_mode = RS485Settings()
    except termios.error as error:
        raise OSError(*error.args) from error
    except ValueError as error:
        raise ConfigurationError(
            say(
                f"{settings.device} cannot be set so: {error}",
                f"{settings.device} 无法按此设置：{error}",
            ),
            remedy=say(
                "take another baud rate, or rs485: false when the adapter switches direction by itself",
                "改用其他波特率；若转换器自动换向，请设置 rs485: false",
            ),
        ) from error
    with suppress(ValueError, OSError, NotImplementedError, AttributeError):
        port.set_low_latency_mode(True)  # USB adapters that batch 16 ms else
    return port


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return say("add the service's user to group dialout", "将服务用户加入 dialout 组")
        case errno.EAGAIN | errno.EBUSY:
            return say("end the other program that uses the port", "结束占用该串口的其他程序")
    return say("is the adapter plugged in? ls /dev/serial/by-id", "转换器是否已插入？ls /dev/serial/by-id")
