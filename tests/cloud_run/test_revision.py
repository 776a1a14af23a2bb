"""The revision's decisions, without I/O and without a clock."""

from __future__ import annotations

import pytest

from gp_helpers.cloud_run.errors import EntryError
from gp_helpers.cloud_run.placement import InstanceState, PlacementRequest
from gp_helpers.cloud_run.revision import (
    Dispatch,
    Refusal,
    Refuse,
    Revision,
    StartInstance,
    StopInstance,
)
from gp_helpers.cloud_run.settings import LEAST_LOADED, RevisionSettings


def request(number: int, affinity: str | None = None) -> PlacementRequest:
    return PlacementRequest(number, "/", affinity=affinity)


def serving(*ids: str, **settings: object) -> Revision:
    revision = Revision(RevisionSettings.from_json(settings), name="b")
    for instance_id in ids:
        revision.add(instance_id, 0.0)
    return revision


def test_the_first_request_starts_an_instance_and_waits_for_it() -> None:
    revision = serving()
    assert revision.arrive(request(1), 10.0) == [StartInstance("b-1")]
    assert revision.arrive(request(2), 10.1) == []
    assert revision.queue_length == 2
    assert revision.ready("b-1", 12.0) == [Dispatch(1, "b-1"), Dispatch(2, "b-1")]
    assert revision.average_startup_s == 2.0


def test_another_instance_starts_when_those_that_serve_or_start_have_no_room() -> None:
    revision = serving(concurrency=2, max_instances=3)
    effects = [effect for n in range(5) for effect in revision.arrive(request(n), 0.0)]
    assert effects == [StartInstance("b-1"), StartInstance("b-2"), StartInstance("b-3")]
    assert revision.ready("b-1", 1.0) == [Dispatch(0, "b-1"), Dispatch(1, "b-1")]
    assert revision.arrive(request(5), 1.0) == []


def test_no_more_instances_start_than_allowed() -> None:
    revision = serving("b-1", concurrency=1, max_instances=1)
    assert revision.arrive(request(1), 0.0) == [Dispatch(1, "b-1")]
    assert revision.arrive(request(2), 0.0) == []
    assert revision.finish("b-1", 1.0) == [Dispatch(2, "b-1")]


def test_requests_wait_in_the_order_in_which_they_came() -> None:
    revision = serving("b-1", concurrency=1, max_instances=1)
    for number in range(1, 4):
        revision.arrive(request(number), 0.0)
    revision.withdraw(2)
    assert revision.finish("b-1", 1.0) == [Dispatch(3, "b-1")]


@pytest.mark.parametrize(("average", "waits"), [(None, 10.0), (2.0, 10.0), (4.0, 14.0)])
def test_the_queue_timeout_is_the_longer_of_floor_and_average(
    average: float | None, waits: float
) -> None:
    revision = Revision(RevisionSettings(concurrency=1, max_instances=1), name="b")
    if average is None:
        revision.add("b-1", 0.0)
    else:
        revision.start(0.0)
        revision.ready("b-1", average)
    revision.arrive(request(1), 100.0)
    revision.arrive(request(2), 100.0)
    assert revision.next_deadline() == 100.0 + waits
    assert revision.tick(99.9 + waits) == []
    assert revision.tick(100.0 + waits) == [Refuse(2, Refusal.QUEUE_TIMEOUT)]


def test_the_time_scale_shortens_the_queue_timeout() -> None:
    revision = serving("b-1", concurrency=1, max_instances=1, time_scale=0.01)
    revision.arrive(request(1), 0.0)
    revision.arrive(request(2), 0.0)
    assert revision.tick(0.1) == [Refuse(2, Refusal.QUEUE_TIMEOUT)]


def test_round_robin_goes_through_instances_in_natural_order() -> None:
    revision = serving("b-9", "b-10", "b-1")
    dispatched = [revision.arrive(request(n), 0.0)[0] for n in range(4)]
    assert dispatched == [
        Dispatch(0, "b-1"),
        Dispatch(1, "b-9"),
        Dispatch(2, "b-10"),
        Dispatch(3, "b-1"),
    ]


def test_least_loaded_takes_the_instance_with_fewest_requests() -> None:
    revision = serving("b-1", "b-2", placement=LEAST_LOADED)
    assert revision.arrive(request(1), 0.0) == [Dispatch(1, "b-1")]
    assert revision.arrive(request(2), 0.0) == [Dispatch(2, "b-2")]
    revision.finish("b-2", 0.0)
    assert revision.arrive(request(3), 0.0) == [Dispatch(3, "b-2")]


def test_a_placement_of_ones_own_is_chosen_by_import_string() -> None:
    revision = serving("b-2", "b-1", placement="tests.cloud_run.apps:FirstById")
    assert revision.arrive(request(1), 0.0) == [Dispatch(1, "b-1")]
    assert revision.arrive(request(2), 0.0) == [Dispatch(2, "b-1")]


def test_an_unknown_placement_is_an_error() -> None:
    with pytest.raises(EntryError, match="no_such"):
        serving(placement="no_such:Placement")


def test_affinity_holds_while_the_instance_serves_and_has_room() -> None:
    revision = serving("b-1", "b-2", concurrency=2)
    assert revision.arrive(request(1, "b-2"), 0.0) == [Dispatch(1, "b-2")]
    assert revision.arrive(request(2, "b-2"), 0.0) == [Dispatch(2, "b-2")]
    assert revision.arrive(request(3, "b-2"), 0.0) == [Dispatch(3, "b-1")]
    revision.gone("b-2", 1.0)
    assert revision.arrive(request(4, "b-2"), 1.0) == [Dispatch(4, "b-1")]


def test_a_draining_instance_keeps_its_requests_and_gets_no_new_ones() -> None:
    revision = serving("b-1", "b-2")
    revision.arrive(request(1), 0.0)
    revision.drain("b-1")
    assert revision.arrive(request(2), 0.0) == [Dispatch(2, "b-2")]
    assert revision.instances["b-1"].in_flight == 1


def test_idle_instances_stop_down_to_the_minimum() -> None:
    revision = Revision(RevisionSettings(min_instances=1, idle_instance_s=900), name="b")
    for n in (1, 2, 3):
        revision.start(0.0)
        revision.ready(f"b-{n}", 0.0)
    revision.arrive(request(1), 0.0)
    assert revision.next_deadline() == 900.0
    assert revision.tick(900.0) == [StopInstance("b-2"), StopInstance("b-3")]
    assert revision.next_deadline() is None
    revision.finish("b-1", 1000.0)
    assert revision.tick(5000.0) == []


def test_instances_of_others_are_not_stopped_when_idle() -> None:
    assert serving("b-1", idle_instance_s=1).next_deadline() is None


def test_requests_fail_with_the_start_that_they_waited_for() -> None:
    revision = serving()
    revision.arrive(request(1), 0.0)
    assert revision.gone("b-1", 1.0) == [Refuse(1, Refusal.START_FAILED)]
    assert revision.arrive(request(2), 2.0) == [StartInstance("b-2")]


def test_requests_go_on_waiting_while_another_instance_starts() -> None:
    revision = serving(concurrency=1)
    revision.arrive(request(1), 0.0)
    revision.arrive(request(2), 0.0)
    assert revision.gone("b-1", 1.0) == [StartInstance("b-3")]
    assert revision.ready("b-2", 2.0) == [Dispatch(1, "b-2")]


def test_an_instance_that_ends_while_serving_is_replaced_when_it_is_needed() -> None:
    revision = serving("other")
    assert revision.gone("other", 1.0) == []
    assert revision.instances["other"].state is InstanceState.GONE
    assert revision.arrive(request(1), 2.0) == [StartInstance("b-1")]
