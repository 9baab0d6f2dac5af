from orchestrator.fleet.observed import TaskState
from orchestrator.fleet.ownership import (
    DECLARED_ALONE,
    Ownership,
    renamed_from,
    stacks_beside,
    undeclared_stacks,
)
from tests.build import resource, service, sight, task, unseen

OURS = Ownership(managed=("app*", "*-agent"), ignored=("app-lab?",))
NOBODY: frozenset[str] = frozenset()


def test_a_stack_nobody_declared_is_found_by_its_name_services_or_not() -> None:
    seen = sight(
        services=(service(stack="app-extra"), service(stack="other"), service(stack="app")),
        networks=(resource("app-left_default", stack="app-left"),),
    )
    found = undeclared_stacks(seen, ownership=OURS, declared=frozenset({"app"}))
    assert found == ("app-extra", "app-left")


def test_a_pattern_is_of_whole_names() -> None:
    assert OURS.manages("log-agent")
    assert not OURS.manages("log-agent-old")
    assert not OURS.manages("my-app")


def test_what_is_ignored_may_run_beside_whatever_its_name() -> None:
    seen = sight(services=(service(stack="app-lab1"), service(stack="app-lab10")))
    assert undeclared_stacks(seen, ownership=OURS, declared=NOBODY) == ("app-lab10",)


def test_where_no_name_tells_others_are_told_unless_they_are_ignored() -> None:
    seen = sight(services=(service(stack="shop"), service(stack="portainer")))
    declared = frozenset({"shop"})
    assert undeclared_stacks(seen, ownership=DECLARED_ALONE, declared=declared) == ()
    assert stacks_beside(seen, ownership=DECLARED_ALONE, declared=declared) == ("portainer",)
    hidden = Ownership(ignored=("port*",))
    assert stacks_beside(seen, ownership=hidden, declared=declared) == ()


def test_where_names_tell_whose_a_stack_is_no_other_is_told() -> None:
    seen = sight(services=(service(stack="portainer"),))
    assert stacks_beside(seen, ownership=OURS, declared=NOBODY) == ()


def test_of_a_site_that_cannot_be_seen_nothing_is_told() -> None:
    assert undeclared_stacks(unseen(), ownership=OURS, declared=NOBODY) == ()
    assert stacks_beside(unseen(), ownership=DECLARED_ALONE, declared=NOBODY) == ()


def test_residue_of_ended_jobs_makes_no_stack() -> None:
    seen = sight(tasks=(task(stack="app-old", state=TaskState.COMPLETE),))
    assert undeclared_stacks(seen, ownership=OURS, declared=NOBODY) == ()


def test_a_stack_with_the_services_of_one_that_does_not_run_was_renamed() -> None:
    seen = sight(services=(service("web", "new"), service("web", "b")))
    web = frozenset({"web"})
    assert renamed_from(seen, "new", {"old": web}) == "old"
    assert renamed_from(seen, "new", {"b": web}) == ""
    assert renamed_from(seen, "new", {"old": web | {"worker"}}) == ""
    assert renamed_from(seen, "gone", {"old": frozenset()}) == ""
