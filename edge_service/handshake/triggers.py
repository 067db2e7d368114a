"""Triggers: what was accepted, what was refused, and what the PLC is told of it."""

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Trigger, TriggerSource
from edge_service.domain.sequence import after
from edge_service.handshake.inputs import PlcInputs


class Triggers:
    """The answers to triggers, and what the next one will carry."""

    def __init__(self) -> None:
        self.acquisition_id = 0  # last accepted
        self.seq_ack = 0  # TRIGGER_SEQ last accepted
        self.seq_rejected = 0  # TRIGGER_SEQ last refused
        self.reject_reason = 0
        self.ack = False
        self.missed = False
        self.user_data_ack = False
        self.collecting = 0  # triggers that are still to take a sample
        self._user_data: tuple[bytes, int] | None = None

    def accept(
        self, inputs: PlcInputs, source: TriggerSource, sequence: int, recipe: int, now: float
    ) -> Trigger:
        """Give the part its acquisition id and latch everything that belongs to it."""
        self.acquisition_id = after(self.acquisition_id)
        matches = inputs.expected_recipe in (0, recipe)
        collect = matches and self.collecting > 0
        self.collecting -= collect
        return Trigger(
            acquisition_id=self.acquisition_id,
            source=source,
            accepted_at=now,
            sequence=sequence,
            serial=inputs.part_serial,
            encoder=inputs.encoder,
            expected_recipe=inputs.expected_recipe,
            recipe=recipe,
            collect=collect,
        )

    def answer_plc(self, sequence: int, *, code: int, bit_mode: bool) -> None:
        """Tell the PLC that its trigger was accepted (code 0) or refused."""
        if code:
            self.missed = True
            self.seq_rejected = sequence
            self.reject_reason = code
            return
        self.missed = False
        self.seq_ack, self.seq_rejected = sequence, 0
        self.ack = bit_mode

    def refuse_command(self) -> None:
        """Show that a command came while another one runs."""
        self.reject_reason = Code.COMMAND_RUNS

    def release(self) -> None:
        """Trigger is 0, or the mode has no TriggerAck."""
        self.ack = False

    def disable(self) -> None:
        """TriggerEnable is 0: the answers go, parts in flight stay."""
        self.ack = self.missed = False
        self.seq_rejected = 0

    def latch_user_data(self, serial: bytes, encoder: int) -> None:
        """SetUserData: keep these for the next trigger that is not a Modbus one."""
        self._user_data = (serial, encoder)
        self.user_data_ack = True

    def take_user_data(self, serial: bytes, encoder: int) -> PlcInputs:
        """Return what a foreign trigger carries: its own serial, else what the PLC latched for it, once."""
        if not serial and self._user_data is not None:
            serial, encoder = self._user_data
            self._user_data = None
        return PlcInputs(part_serial=serial, encoder=encoder)
