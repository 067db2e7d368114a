"""hypothesis plays a PLC, a second master and a station without any manners; the witness checks the rules."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from edge_service.domain.inspection import TriggerSource, Verdict
from edge_service.handshake.edges import HANDSHAKE_BITS, OTHER_EDGE_BITS
from edge_service.handshake.settings import HandshakeSettings, Profile
from tests.support.handshake_witness import MODEL, Witness

LEVELS = ("trigger_enable", "buffer_results_enable", "sequence_mode", "part_present", "set_offline")
BITS = st.dictionaries(st.sampled_from(HANDSHAKE_BITS + OTHER_EDGE_BITS + LEVELS), st.booleans(), max_size=4)
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "trigger_seq": st.integers(0, 5),
        "result_ack_id": st.integers(0, 12),
        "plc_heartbeat": st.integers(0, 2),
        "command": st.sampled_from((0, 1, 3, 4, 9)),
        "command_seq": st.integers(0, 3),
        "expected_recipe": st.sampled_from((0, 1, 2)),
        "param1": st.integers(0, 2),
    },
)
WRITERS = st.sampled_from(("plc", "plc", "plc", "other"))
VERDICTS = st.sampled_from((Verdict.OK, Verdict.NG, Verdict.UNDECIDED))
BACK = st.integers(0, 3)  # which acquisition, counted back from the newest


class RandomPlc(RuleBasedStateMachine):
    """Any order of any steps."""

    @initialize(
        profile=st.sampled_from((None, None, Profile.PULSE)),
        foreign=st.booleans(),
        present=st.booleans(),
    )
    def build(self, profile: Profile | None, foreign: bool, present: bool) -> None:  # noqa: FBT001
        """Start a station."""
        sources = frozenset({TriggerSource.HMI}) if foreign else frozenset()
        self.witness = Witness(
            HandshakeSettings(profile=profile, sources=sources, require_part_present=present)
        )

    @rule(bits=BITS, numbers=NUMBERS, writer=WRITERS)
    def write(self, bits: dict[str, bool], numbers: dict[str, int], writer: str) -> None:
        """Write anything."""
        self.witness.write(writer, **bits, **numbers)

    @rule(sequence=st.booleans(), buffered=st.booleans())
    def enable(self, sequence: bool, buffered: bool) -> None:  # noqa: FBT001
        """Start properly, in a mode and profile."""
        self.witness.write(trigger_enable=False, sequence_mode=sequence)
        self.witness.write(trigger_enable=True, buffer_results_enable=buffered, part_present=True)

    @rule()
    def trigger(self) -> None:
        """Trigger properly in either mode."""
        self.witness.trigger()

    @rule()
    def take(self) -> None:
        """Take the shown record properly."""
        self.witness.take()

    @rule(writer=WRITERS)
    def repeat(self, writer: str) -> None:
        """Repeat the last write."""
        self.witness.repeat(writer)

    @rule(source=st.sampled_from((TriggerSource.HMI, TriggerSource.CAMERA_LINE)))
    def foreign(self, source: TriggerSource) -> None:
        """Trigger from elsewhere."""
        self.witness.foreign(source)

    @rule(back=BACK)
    def expose(self, back: int) -> None:
        """End some exposure."""
        self.witness.expose(max(1, self.witness.machine.triggers.acquisition_id - back))

    @rule(back=BACK, verdict=VERDICTS)
    def finish(self, back: int, verdict: Verdict) -> None:
        """Bring some result."""
        self.witness.finish(max(1, self.witness.machine.triggers.acquisition_id - back), verdict)

    @rule(back=BACK)
    def fail(self, back: int) -> None:
        """Let some part fail."""
        self.witness.fail(max(1, self.witness.machine.triggers.acquisition_id - back))

    @rule(seconds=st.sampled_from((0.0, 0.05, 0.5, 1.5, 6.0, 11.0)))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.witness.wait(seconds)

    @rule(camera_lost=st.booleans(), maintenance=st.booleans(), model=st.sampled_from((MODEL, MODEL, None)))
    def observe(self, **changes: object) -> None:
        """Change the station's condition."""
        self.witness.observe(**changes)

    @rule(there=st.booleans())
    def link(self, there: bool) -> None:  # noqa: FBT001
        """Lose or find the link to the PLC."""
        self.witness.link(there=there)

    @precondition(lambda self: self.witness.orders)
    @rule(code=st.sampled_from((1, 103)))
    def answer_command(self, code: int) -> None:
        """Answer a command."""
        self.witness.answer_command(code)

    def teardown(self) -> None:
        """Once every cause is gone all parts are answered and the station is ready."""
        if hasattr(self, "witness"):
            self.witness.recover()


RandomPlc.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
test_any_plc = RandomPlc.TestCase
