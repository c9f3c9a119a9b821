"""Loops within a turn: opens their turns, collects what these give, and spreads the big ones over other drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import limits
from engine.context import ExecutionContext
from engine.definition import NodeDefinition
from engine.errors import NodeError
from engine.frame import Frame, LoopRun
from engine.journal import Batch, Entry, Fact, Outcome, Signal, Snapshot, Wait
from engine.jsonvalue import check_output
from engine.nodes.base import ForEach, Repeat
from engine.regions import Region, find_region
from engine.worker import as_node_error, bounded

if TYPE_CHECKING:
    from engine.engine import WorkflowEngine
    from engine.turn import Turn


class Loops:
    """The loops of one turn. `batch_outcome` is there once the part of a loop that is all of this turn has ended."""

    def __init__(self, turn: Turn, engine: WorkflowEngine, snapshot: Snapshot) -> None:
        self._turn = turn
        self._engine = engine
        self._execution = snapshot.execution
        self._variables = snapshot.definition.vars
        self._facts = snapshot.journal.facts
        self._batch: LoopRun | None = None
        self.batch_outcome: Outcome | None = None

    @property
    def is_batch(self) -> bool:
        """Whether all of this turn is a part of a loop."""
        return self._batch is not None

    @property
    def items(self) -> tuple[int, int]:
        """How many items a part of a loop had, and how many of these failed."""
        if self._batch is None:
            return 0, 0
        return len(self._batch.results) + len(self._batch.errors), len(self._batch.errors)

    # -- opening -------------------------------------------------------------------------------------------

    def open_batch(self, region: Region, batch: Batch) -> Frame:
        """Begin a part of a spread loop; gives the frame around it, in which nothing else runs."""
        prefix, _, node_id = batch.path.rpartition(".")
        inner = find_region(region, prefix)
        frame = Frame(inner, ExecutionContext({**batch.scope, "vars": self._variables}), f"{prefix}." if prefix else "")
        frame.progress.ready.clear()
        node, now = inner.nodes[node_id], self._engine.clock.now()
        self._batch = LoopRun(node, frame, now, batch.items, batch.first, batch.concurrency, batch.collect)
        self._turn.later(lambda: self._continue(self._require_batch()))
        return frame

    async def open(self, frame: Frame, node: NodeDefinition) -> None:
        """Begin a loop whose node is ready."""
        loop = LoopRun(node, frame, self._engine.clock.now())
        fact = self._facts.get(Fact(loop.path, "items").key)
        if not self._engine.factory.node_class(node.type).loops_over_items:
            await self._next_turn(loop)
            return
        result, volatile = await self._turn.worker.compute(frame, node)
        if fact is not None and isinstance(result, ForEach):
            result = ForEach(fact.output, result.concurrency, result.collect)
        if not isinstance(result, ForEach):
            if isinstance(result, Outcome):
                self._turn.conclude(frame, result, volatile=volatile)
            return
        if len(result.items) > limits.INLINE_ITEMS and self._batch is None:
            self._turn.spawn(frame, loop.path, self._spread(loop, result), self._turn.acceptor(frame))
            return
        loop.concurrency, loop.collect, loop.items = result.concurrency, result.collect, result.items
        if volatile and fact is None:
            pinned = Fact(loop.path, "items", list(result.items))
            self._turn.spawn(frame, loop.path, self._turn.book.record(pinned), lambda won: self._begin(loop, won))
        else:
            await self._continue(loop)

    def _begin(self, loop: LoopRun, pinned: Entry) -> None:
        loop.items = pinned.output
        self._turn.later(lambda: self._continue(loop))

    # -- going on ------------------------------------------------------------------------------------------

    def check(self, frame: Frame) -> None:
        """See whether a frame has ended, after something in it has; if so, close it soon."""
        for one in frame.around:
            if one.loop is None or one.closed or one.closing:
                continue
            ended = one.running == 0 if one.stopping else one.progress.finished
            if ended:
                one.closing = True
                self._turn.later(lambda one=one: self._close(one))  # type: ignore[misc]

    async def _close(self, frame: Frame) -> None:
        loop = frame.loop
        if loop is None or frame.closed:
            return
        result, error = None, None
        if frame.failures:
            error = frame.failure
        elif frame.progress.finished:
            try:
                result, volatile = await self._turn.ending.result_of(frame)
            except Exception as raised:  # noqa: BLE001 - a template of the author's must not stop the driver
                error = {**bounded(as_node_error(raised)), "node": loop.path}
            else:
                loop.volatile = loop.volatile or volatile
        else:
            error = {"code": "stopped", "message": "another item failed", "details": None, "node": loop.path}
        loop.close_turn(frame, result, error)
        self._turn.drop(frame)
        if not loop.frame.stopping:
            await self._continue(loop)
        self.check(loop.frame)

    async def _continue(self, loop: LoopRun) -> None:
        """Open as many items as may run, or end the loop when none is left."""
        if loop.items is None:
            await self._next_turn(loop)
            return
        while loop.may_open:
            item = loop.items[loop.opened]
            self._open_turn(loop, item)
        if loop.failed:
            for frame in list(loop.open.values()):
                self.check(frame)
        if not loop.open and (loop.failed or loop.opened == len(loop.items)):
            self._end(loop)

    def _open_turn(self, loop: LoopRun, item: Any) -> None:
        index = loop.first + loop.opened
        callbacks = self._engine.callbacks(self._execution, loop.region, f"{loop.path}[{index}].")
        self._turn.enter(loop.open_turn(item, callbacks))

    async def _next_turn(self, loop: LoopRun) -> None:
        """One more turn of a `while`, if its condition holds."""
        if loop.errors:
            self._end(loop)
            return
        path = f"{loop.path}[{loop.opened}]"
        before = loop.results.get(loop.opened - 1)
        if loop.volatile and loop.opened:
            pinned = self._facts.get(Fact(path, "result").key)
            if pinned is None:
                fact = Fact(path, "result", before)
                self._turn.spawn(loop.frame, path, self._turn.book.record(fact), lambda won: self._pinned(loop, won))
                return
            before = loop.results[loop.opened - 1] = pinned.output
        await self._ask(loop, path, before)

    def _pinned(self, loop: LoopRun, won: Entry) -> None:
        before = loop.results[loop.opened - 1] = won.output
        self._turn.later(lambda: self._ask(loop, won.path, before))

    async def _ask(self, loop: LoopRun, path: str, before: Any) -> None:
        """Evaluate the condition of a `while`, once for all drivers."""
        fact = self._facts.get(Fact(path, "goes_on").key)
        if fact is not None:
            self._repeat(loop, before, fact.output)
            return
        data = {"item": before, "index": loop.opened}
        result, volatile = await self._turn.worker.compute(loop.frame, loop.node, data)
        if isinstance(result, Outcome):
            self._turn.conclude(loop.frame, result, volatile=volatile)
        elif isinstance(result, Repeat):
            most = result.max_iterations if result.goes_on else 0
            if volatile:
                pinned = self._turn.book.record(Fact(path, "goes_on", most))
                self._turn.spawn(loop.frame, path, pinned, lambda won: self._repeat(loop, before, won.output))
            else:
                self._repeat(loop, before, most)

    def _repeat(self, loop: LoopRun, before: Any, most: int) -> None:
        """Go on while fewer than `most` turns have run; 0 says that the condition does not hold."""
        if not most:
            self._end(loop)
        elif loop.opened >= most:
            message = f"the condition still holds after {most} turns, which is `max_iterations`"
            self._fail(loop, NodeError(message, code="max_iterations", details={"max_iterations": most}))
        else:
            self._open_turn(loop, before)

    # -- ending --------------------------------------------------------------------------------------------

    def _end(self, loop: LoopRun) -> None:
        if loop.ending:
            return
        loop.ending = True
        if loop.failed:
            index = min(i for i, error in loop.errors.items() if error.get("code") != "stopped")
            error = loop.errors[index]
            details = {"index": index, "error": error}
            message = f"item {index} failed: {error.get('message')}"
            self._fail(loop, NodeError(message, code=str(error.get("code") or "item_failed"), details=details))
            return
        output = loop.output()
        try:
            check_output(output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except NodeError as error:
            self._fail(loop, error)
            return
        now = self._engine.clock.now()
        self._conclude(loop, Outcome(loop.path, "succeeded", loop.started_at, now, output=output))

    def _fail(self, loop: LoopRun, error: NodeError) -> None:
        loop.volatile = True
        self._conclude(loop, self._turn.worker.failed(loop.frame, loop.node, error, loop.started_at, 1))

    def _conclude(self, loop: LoopRun, outcome: Outcome) -> None:
        if loop is self._batch:
            self.batch_outcome = outcome
        else:
            volatile = loop.volatile or loop.frame.is_racing(loop.node.id)
            self._turn.conclude(loop.frame, outcome, volatile=volatile)

    # -- big loops -----------------------------------------------------------------------------------------

    async def _spread(self, loop: LoopRun, each: ForEach) -> Entry:
        """Put the items where other drivers find them, and ask for these."""
        reads = loop.region.reads
        await self._turn.worker.load(loop.frame, reads)
        around = loop.frame.context.within(reads, {}).data
        scope = {name: around[name] for name in around if name != "vars"}
        facts = await self._engine.store.spread(self._execution.id, each.items, scope)
        lanes = max(1, each.concurrency // limits.LANE_CONCURRENCY)
        output = {
            **facts,
            "lanes": min(lanes, -(-len(each.items) // limits.BATCH_ITEMS)),
            "concurrency": min(each.concurrency, limits.LANE_CONCURRENCY),
            "collect": each.collect,
        }
        wait = Wait(loop.path, 1, "fan_out", loop.started_at, None, output)
        entry = await self._turn.book.record(wait)
        await self._engine.poke(self._execution.id, [wait.key])
        return entry

    async def spread_outcome(self, frame: Frame, node: NodeDefinition, wait: Wait, signal: Signal) -> Outcome:
        """How a spread loop has ended, as its last driver has told: its output stays where it is."""
        if signal.by == "fan_out":
            return Outcome(wait.path, "succeeded", wait.started_at, signal.at, output=signal.output)
        told = await self._turn.worker.fetch(signal.output)
        error = NodeError(told["message"], code=told["code"], details=told.get("details"))
        return self._turn.worker.failed(frame, node, error, wait.started_at, 1)

    def _require_batch(self) -> LoopRun:
        if self._batch is None:
            raise TypeError("this turn has no batch")
        return self._batch
