import pytest

from orchestrator.fleet.unit import Unit
from orchestrator.planning.risk import Risk, Typical
from orchestrator.ui.risk_words import few, risk_words
from tests.ui.values import CLIENTS, DAEMONS, KKO, SERVER

TIME = Typical(median_seconds=7.5, worst_seconds=12.2, runs=14)
REST = Typical(median_seconds=26.0, worst_seconds=31.0, runs=13)


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (
            Risk(down=(SERVER,), without=(DAEMONS, *CLIENTS), outage=TIME, others=REST),
            (
                "datatrail@chime down for 7.5 s to 12 s, the rest 26 s to 31 s (median and 90th"
                " percentile of 14 past runs); 5 units at 4 sites need it"
            ),
        ),
        (
            Risk(down=(KKO,), outage=Typical(median_seconds=4, worst_seconds=4, runs=1)),
            "datatrail-client@kko down for 4.0 s (median and 90th percentile of 1 past run)",
        ),
        (
            Risk(down=(SERVER, DAEMONS), without=(KKO,), outage=TIME, unreadable=2),
            (
                "datatrail@chime, datatrail-daemons@chime down for 7.5 s to 12 s (median and 90th"
                " percentile of 14 past runs, 2 journals unreadable); 1 unit at 1 site needs them"
            ),
        ),
        (
            Risk(down=(KKO,)),
            "datatrail-client@kko down for nobody knows how long: no past run like this here",
        ),
        (
            Risk(down=(KKO,), unreadable=1),
            (
                "datatrail-client@kko down for nobody knows how long: no past run like this here,"
                " 1 journal unreadable"
            ),
        ),
        (
            Risk(down=(SERVER,), comes_back=False, outage=TIME),
            "datatrail@chime down until it is brought up again",
        ),
        (
            Risk(down=(KKO, CLIENTS[3]), comes_back=False),
            "datatrail-client@kko, @gbo down until they are brought up again",
        ),
    ],
)
def test_the_price_reads_as_a_sentence(risk: Risk, words: str) -> None:
    assert risk_words(risk) == words


def test_of_many_units_only_their_number_is_said() -> None:
    many = [Unit(stack="datatrail-client", site=f"s{number}") for number in range(30)]
    assert few([SERVER, *many]) == "datatrail@chime, datatrail-client at 30 sites"
    assert few(many[:2]) == "datatrail-client@s0, @s1"
