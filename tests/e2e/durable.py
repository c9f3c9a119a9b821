"""What tests of durable executions share."""

from __future__ import annotations

from tests.harness import edges

WAITING = frozenset({"waiting"})


ASK = {"id": "ask", "type": "approval", "config": {"message": "May I spend {{ trigger.body.amount }}?"}}


YES = {"id": "yes", "type": "transform", "config": {"value": "{{ nodes.ask.comment }}"}}


APPROVAL = {"nodes": [ASK, YES], "edges": edges("ask:approved>yes")}


LONG = {"nodes": [{"id": "a", "type": "delay", "config": {"seconds": 3600}}]}
