"""All states there are."""

from tests.states.by_hand import BY_HAND
from tests.states.half_finished import HALF_FINISHED
from tests.states.refused import REFUSED
from tests.states.told import TOLD
from tests.states.untrusted import UNTRUSTED

STATES = (*HALF_FINISHED, *REFUSED, *BY_HAND, *TOLD, *UNTRUSTED)
