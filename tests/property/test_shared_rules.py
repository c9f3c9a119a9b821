"""Triggers with the same pattern share a rule: whoever makes and removes it at once, in any order, it is right then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Unavailable
from tests.crash import Died
from tests.figures import FIGURES
from tests.property.test_reconciling import TRIGGERS, World
from tests.unit.conftest import aws_in_memory

UPLOADS = [TRIGGERS[9]]


class Turns:
    """Lets one of several processes go on at a time, to its next call of AWS; the others wait."""

    def __init__(self, world: World, choose: Callable[[list[int]], int]) -> None:
        self._choose = choose
        self._of_thread: dict[int, int] = {}
        self._may_go: list[threading.Event] = []
        self._stopped = threading.Semaphore(0)
        self._left: dict[int, int | None] = {}
        for client in (world.events, world.aws.dynamodb):
            client.meta.events.register(f"before-call.{client.meta.service_model.service_name}", self._stop)

    def run(self, works: list[tuple[Callable[[], Any], int | None]]) -> int:
        """Until all have ended; each may die before one of its calls. Gives how many steps that took."""
        threads = [
            threading.Thread(target=self._process, args=(number, work), daemon=True)
            for number, (work, _) in enumerate(works)
        ]
        self._may_go = [threading.Event() for _ in works]
        self._left = {number: dies_at for number, (_, dies_at) in enumerate(works)}
        for thread in threads:
            thread.start()
        steps = 0
        while self._left:
            self._may_go[self._choose(sorted(self._left))].set()
            self._stopped.acquire()
            steps += 1
        for thread in threads:
            thread.join()
        return steps

    def _process(self, number: int, work: Callable[[], Any]) -> None:
        self._of_thread[threading.get_ident()] = number
        self._wait(number)
        try:
            work()
        except (Died, Unavailable, ClientError):
            pass  # the stream tells of it again
        finally:
            del self._left[number]
            self._stopped.release()

    def _stop(self, **_: Any) -> None:
        number = self._of_thread.get(threading.get_ident())
        if number is None:
            return
        self._stopped.release()
        self._wait(number)
        dies_at = self._left[number]
        if dies_at is not None:
            if dies_at == 0:
                raise Died
            self._left[number] = dies_at - 1

    def _wait(self, number: int) -> None:
        self._may_go[number].wait()
        self._may_go[number].clear()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.none() | st.integers(0, 14)), min_size=2, max_size=3),
    st.data(),
)
def test_concurrent_activation_and_deactivation_leave_exactly_the_needed_rule(
    each: list[tuple[bool, bool, int | None]], data: st.DataObject
):
    """Each workflow is active or not, and switched or not; who does what the stream tells of it may die."""
    with aws_in_memory() as aws:
        world = World(aws)
        for number, (is_active, _, _) in enumerate(each):
            world.create(UPLOADS)
            if is_active:
                world.change(number, "activate", [])
        world.reconciler.everything(lambda: 100.0)
        assert world.there() == world.wanted()
        (digest, *_) = world.unheard()

        def told(number: int, *, stops: bool) -> None:
            """The stream, of one switch: of the workflow, and of the listener that is gone."""
            world.reconciler.workflow(world.ids[number])
            if stops:
                world.reconciler.rule(digest)

        def switched(number: int) -> Callable[[], None]:
            is_active, switches, _ = each[number]

            def work() -> None:
                if switches:
                    world.change(number, "deactivate" if is_active else "activate", [])
                told(number, stops=is_active)

            return work

        turns = Turns(world, lambda those: data.draw(st.sampled_from(those)))
        steps = turns.run([(switched(number), each[number][2]) for number in range(len(each))])
        FIGURES["steps of those who share a rule, in any order"] += steps
        died = [number for number, (_, _, dies_at) in enumerate(each) if dies_at is not None]
        if data.draw(st.booleans()):
            for number in died:  # the stream tells of it until it has been done
                told(number, stops=each[number][0])
        else:
            world.reconciler.everything(lambda: 100.0)

        assert world.there() == world.wanted()
        assert world.reconciler.everything(lambda: 100.0) == {}
