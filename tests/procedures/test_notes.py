from orchestrator.procedures.effects import ConfigResult, StoredConfig
from orchestrator.procedures.notes import Labels, Notes, change_notes, read_notes
from tests.configs import HOME, Configs, happens, meanwhile, refused, told

NOTES = Notes(site=HOME, name="dtdeploy.some", data=b"some\n")


def add(name: str) -> Labels:
    return ((name, "x"),)


def test_notes_that_were_never_written_are_absent() -> None:
    assert told(read_notes(NOTES), Configs())[0].result is ConfigResult.ABSENT


def test_a_change_is_told_how_the_notes_stand() -> None:
    configs = Configs()
    seen: list[StoredConfig | None] = []

    def change(config: StoredConfig | None) -> Labels | None:
        seen.append(config)
        return add(str(len(seen)))

    assert told(change_notes(NOTES, change), configs)[0] is None
    assert told(change_notes(NOTES, change), configs)[0] is None
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1].labels == add("1")
    assert configs.kept["dtdeploy.some"].labels == add("2")
    assert configs.kept["dtdeploy.some"].data == b"some\n"


def test_nothing_is_written_where_nothing_is_to_change() -> None:
    configs = Configs()
    assert told(change_notes(NOTES, lambda _: None), configs)[0] is None
    assert configs.kept == {}


def test_a_change_that_somebody_forestalled_is_decided_anew() -> None:
    configs = Configs()
    configs.faults = [happens, meanwhile(lambda c: c.put("dtdeploy.some", ("his", "y")))]
    assert (
        told(change_notes(NOTES, lambda c: (*(c.labels if c else ()), *add("mine"))), configs)[0]
        is None
    )
    assert configs.kept["dtdeploy.some"].labels == (("his", "y"), ("mine", "x"))


def test_what_cannot_be_written_is_told_by_the_last_answer() -> None:
    failed, seconds = told(change_notes(NOTES, lambda _: add("x")), Configs(faults=[refused] * 8))
    assert failed is not None
    assert (failed.words, seconds) == ("no route to host", 7.0)
