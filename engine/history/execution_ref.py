"""What a history belongs to: an execution, or a map batch of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.history.events import signal_key, wait_key


@dataclass(frozen=True, slots=True)
class MapBatch:
    """A batch of the distributed map at a path, by its number."""

    path: str
    number: int

    @property
    def wait_key(self) -> str:
        """The history key of the map's pending signal for its map workers, in the history of the whole execution."""
        return wait_key(self.path)

    @property
    def signal_key(self) -> str:
        """The history key of the end of the map, in the history of the whole execution."""
        return signal_key(self.path)


@dataclass(frozen=True, slots=True)
class ExecutionRef:
    """An execution or, with `batch`, a map batch of it, which has a record, a history and drivers of its own.

    As text it is the id of that record: the id of an execution, or `<execution>~<number>~<path>`.
    """

    execution_id: str
    batch: MapBatch | None = None

    def __str__(self) -> str:
        if self.batch is None:
            return self.execution_id
        return f"{self.execution_id}~{self.batch.number}~{self.batch.path}"

    @classmethod
    def parse(cls, text: str) -> ExecutionRef:
        """Parse the text of a reference."""
        if "~" not in text:
            return cls(text)
        execution_id, number, path = text.split("~", 2)
        return cls(execution_id, MapBatch(path, int(number)))

    @classmethod
    def of_batch(cls, execution_id: str, path: str, number: int) -> ExecutionRef:
        """Return the reference of a map batch."""
        return cls(execution_id, MapBatch(path, number))

    @property
    def whole(self) -> ExecutionRef:
        """The whole execution."""
        return ExecutionRef(self.execution_id)


def execution_id_in(text: str) -> str:
    """Return the id of the execution that the text of a reference begins with, whatever follows."""
    return text.partition("~")[0]
