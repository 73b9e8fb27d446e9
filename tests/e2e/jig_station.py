"""The virtual jig around a station's boards, and what an operator does with it.

	s = station("--boards", 4, "--jig", "--jig-options", "--speed 20")
	jig = JigStation(s)
	jig.load(); jig.start(); jig.wait("unload")     # one panel
	jig.do("estop press"); jig.wait("stopped")
	jig.check()                                     # it judges who drives it"""
from jig import JigControl
from station import PATIENCE_S, wait_until

OFF_MS = 300  # from the sample until the power is off, on a healthy bus
IDLE = ("load", "ready", "unload")


class JigStation(JigControl):
    def __init__(self, station):
        super().__init__(station.dir / "jig")
        self.s = station
        self.wait_first()

    def wait_first(self):
        """After a start of the daemon: whatever was on is off, and boards can be put in."""
        self.wait("load", "ready")

    # --- asking ---

    def status(self):
        """What the station says: of itself, and {nest: row}."""
        rows = self.s.json("status")
        return rows[0], {row["nest"]: row for row in rows[1:]}

    def station(self):
        return self.status()[0]

    def wait(self, *phases, timeout_s=PATIENCE_S):
        """Until the cycle is in one of these phases; what the station says then."""
        return self.wait_key("phase", phases, timeout_s)

    def wait_next(self, *nexts, timeout_s=PATIENCE_S):
        return self.wait_key("next", nexts, timeout_s)

    def wait_key(self, key, values, timeout_s):
        said = {}

        def there():
            said.update(self.station())
            return said[key] in values and (said["phase"] not in IDLE or self.is_unlocked())
        try:
            wait_until(there, timeout_s, f"{key} {' or '.join(values)}")
        except AssertionError as late:
            raise AssertionError(f"{late}: the station says {said}") from None
        return said

    def is_unlocked(self):
        """The station says that the boards can be taken out when it lets go of the lid: the jig follows in a moment."""
        return not self.state()["lid_lock"]

    # --- doing ---

    def calm(self):
        """Whatever happened before: no fault, no stop, no cycle. A second stop may be seen only after the first."""
        self.do("fault none", "estop release", "air on", "mode auto", "release start", "lid close")

        def idle():
            phase = self.station()["phase"]
            if phase == "stopped":
                self.s.imprint("jig", "reset", check=False)
            return phase in IDLE and self.is_unlocked()
        wait_until(idle, what="a calm jig")

    def let_see(self):
        """The daemon polls: what is for less time than that never was. A poll is three requests, so these are two."""
        self.pass_requests(6)

    def change(self, *nests):
        """New boards there, with the lid open."""
        for nest in nests:
            if nest in self.s.boards():
                self.s.rig(f"remove {nest}")
            self.s.rig(f"insert {nest}", f"power {nest} off")
        self.do("lid open", *(f"board {nest} out" for nest in nests))
        self.let_see()
        wait_until(lambda: not set(nests) & set(self.marked()), what="the marks to go")
        wait_until(lambda: all(self.status()[1][nest]["state"] == "empty" for nest in nests), what="empty nests")
        self.do(*(f"board {nest} in" for nest in nests))

    def load(self, *nests):
        """New boards in, and the lid closed: READY."""
        self.calm()
        self.change(*(nests or self.nests()))
        self.do("lid close")
        self.wait("ready")

    def nests(self):
        return list(self.status()[1])

    def marked(self):
        return [name for name, row in self.status()[1].items() if row["marked"]]

    def start(self):
        self.s.imprint("start")

    def reset(self):
        """As soon as the runs have ended and the jig takes it."""
        def done():
            return self.s.imprint("jig", "reset", check=False).returncode == 0
        wait_until(done, what="the reset")

    # --- judging ---

    def check(self):
        """Power never reached a nest outside its interlock, and went off in time."""
        state = self.state()
        assert state["breaches"] == 0, (self.dir / "breaches").read_text()
        assert state["slowest_after_sample_ms"] <= OFF_MS, state
        return state
