"""What must hold in every run, whatever went wrong in it. Each oracle yields what does not hold.

An oracle gets the undisturbed run of a scenario and the disturbed one. What a person meant an
app to be is in the scenario, so that no oracle asks recon what is right.
"""

from collections.abc import Callable, Iterator

from tests.simulate.oracles.backoff import backoff_is_kept
from tests.simulate.oracles.copies import one_of_each_number
from tests.simulate.oracles.crashes import every_crash_is_followed_by_a_start
from tests.simulate.oracles.end_state import end_state_is_the_undisturbed_one
from tests.simulate.oracles.floor import never_below_the_floor
from tests.simulate.oracles.jobs import no_job_twice
from tests.simulate.oracles.lines import every_line_once
from tests.simulate.oracles.loop import loop_goes_on
from tests.simulate.oracles.reasons import every_start_has_a_reason, every_stop_has_a_reason
from tests.simulate.oracles.secrets import no_secret_outside
from tests.simulate.oracles.stops import every_stop_ends_in_time
from tests.simulate.run import Outcome

ORACLES: tuple[Callable[[Outcome, Outcome], Iterator[str]], ...] = (
    end_state_is_the_undisturbed_one,
    one_of_each_number,
    never_below_the_floor,
    every_stop_has_a_reason,
    every_start_has_a_reason,
    every_crash_is_followed_by_a_start,
    every_stop_ends_in_time,
    no_job_twice,
    backoff_is_kept,
    every_line_once,
    no_secret_outside,
    loop_goes_on,
)
