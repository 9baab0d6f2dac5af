import pytest

from scripts.lib.recordings import replaced

PAGE = """a
<!-- recording: plan (lab) -->
```text
old
```
<!-- end of recording -->
<!-- recording: run (lab) -->
```text
older
```
<!-- end of recording -->
"""


def test_one_recording_is_replaced_and_the_other_stays() -> None:
    new = replaced(PAGE, "run", "one  \ntwo \\1\n\n")
    assert new == PAGE.replace("older\n", "one\ntwo \\1\n")


def test_a_page_without_it_is_left_as_it_is() -> None:
    with pytest.raises(ValueError, match="0 recordings are called status"):
        replaced(PAGE, "status", "x")
