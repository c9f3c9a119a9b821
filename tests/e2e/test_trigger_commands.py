"""Triggers from the command line, as a user has them: activate, look, fire, set a secret, fill up, deactivate."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx2
import pytest

from infrastructure.local.stack import LocalStack
from tests.e2e.command_line import MAINSPRING, mainspring, without_settings
from tests.e2e.conftest import Caller
from tests.e2e.test_examples import EXAMPLES
from tests.e2e.triggers import eventually

INTAKE, DIGEST = "Order intake of the commands", "Weekday digest of the commands"


def copy_of(example: str, name: str, folder: Path) -> str:
    """An example under another name: other tests run the examples at the same time, and `run` finds them by name."""
    file = folder / f"{example}.json"
    file.write_text(json.dumps({**json.loads((EXAMPLES / file.name).read_text()), "name": name}))
    return str(file)


def test_webhook_of_a_file_is_called_and_answered(stack: LocalStack, admin: Caller, tmp_path: Path):
    done = mainspring(stack, "activate", copy_of("webhook_order_intake", INTAKE, tmp_path))
    assert done.returncode == 0, done.stderr
    url = next(word for word in done.stdout.split() if "/hooks/" in word)

    taken = httpx2.post(url, json={"order_id": "B-1", "total": 5}, headers={"x-delivery-id": "1"})
    refused = httpx2.post(url, json={"order_id": "B-2"}, headers={"x-delivery-id": "2"})
    assert (taken.status_code, taken.json()) == (201, {"order_id": "B-1", "status": "taken"})
    assert refused.status_code == 422
    assert admin.wait(taken.headers["mainspring-execution"])["result"] == {"book": {"booked": "B-1", "amount": 5}}

    fired = mainspring(
        stack, "trigger", "fire", INTAKE, "orders", "--payload", '{"body": {"order_id": "B-3", "total": 7}}'
    )
    assert (fired.returncode, json.loads(fired.stdout)) == (0, {"book": {"booked": "B-3", "amount": 7}})
    shown = json.loads(mainspring(stack, "trigger", "show", INTAKE, "orders").stdout)
    assert (shown["url"], shown["fired"]) == (url, 2)
    eventually(lambda: json.loads(mainspring(stack, "trigger", "sample", INTAKE, "orders").stdout)["last"])
    again = mainspring(stack, "trigger", "fire", INTAKE, "orders", "--last")
    assert again.returncode == 0, again.stderr
    changed = mainspring(stack, "trigger", "rotate", INTAKE, "orders").stdout.strip()
    assert httpx2.post(url, json={}).status_code == 404
    assert httpx2.post(changed, json={"order_id": "B-4"}).status_code == 422

    listed = json.loads(mainspring(stack, "triggers", "--json").stdout)
    assert [one["fired"] for one in listed if one["workflow_name"] == INTAKE] == [3]
    assert INTAKE in mainspring(stack, "triggers").stdout
    assert mainspring(stack, "deactivate", INTAKE).returncode == 0
    assert httpx2.post(changed, json={"order_id": "B-5"}).status_code == 404


def test_schedule_of_a_file_is_previewed_and_backfilled(stack: LocalStack, tmp_path: Path):
    done = mainspring(stack, "activate", copy_of("schedule_weekday_digest", DIGEST, tmp_path))
    assert "next 20" in done.stdout
    times = mainspring(stack, "trigger", "schedule", DIGEST).stdout.splitlines()
    assert len(times) == 22  # each schedule with its name
    span = ("--from", "2026-05-04T00:00:00Z", "--to", "2026-05-06T00:00:00+02:00", "--trigger", "weekdays")
    first, second = (mainspring(stack, "trigger", "backfill", DIGEST, *span) for _ in range(2))
    assert [line[:16] for line in first.stdout.splitlines()] == ["2026-05-04T05:30", "2026-05-05T05:30"]
    assert "2 started" in first.stderr
    assert "0 started" in second.stderr
    mainspring(stack, "deactivate", DIGEST)


def test_a_secret_is_read_from_standard_input(stack: LocalStack, admin: Caller):
    definition = {
        "nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}],
        "triggers": [{"id": "in", "type": "webhook", "config": {"auth": {"type": "header", "header": "X-Token"}}}],
    }
    workflow_id = admin.workflow(definition, "secretive")["id"]
    command = [str(MAINSPRING), "trigger", "secret", workflow_id, "in", "--data", str(stack.data)]
    done = subprocess.run(
        command, input="s3cret\n", env=without_settings(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, "s3cret" in done.stdout + done.stderr) == (0, False)
    admin.ok("POST", f"/api/workflows/{workflow_id}/activate")
    url = admin.ok("GET", f"/api/workflows/{workflow_id}/triggers/in")["url"]
    assert httpx2.post(url, json={}, headers={"x-token": "s3cret"}).status_code == 202


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("trigger", "fire", "nobody", "x"), "there is no workflow 'nobody'"),
        (("trigger", "show", "01920000-0000-7000-8000-000000000009", "x"), "there is no such workflow"),
        (("trigger", "fire", INTAKE, "colour"), "the workflow has no such trigger"),
        (("trigger", "fire", INTAKE, "orders", "--payload", "{"), "the input is not JSON"),
        (
            ("trigger", "backfill", DIGEST, "--from", "yesterday", "--to", "2026-05-06T00:00:00Z"),
            "give a time with a zone",
        ),
        (
            ("trigger", "backfill", DIGEST, "--from", "2026-05-06T00:00:00Z", "--to", "2026-05-05T00:00:00Z"),
            "after `to`",
        ),
        (("deactivate", "nobody"), "there is no workflow"),
        (("activate", "missing.json"), "cannot be read"),
    ],
)
def test_mistake_is_reported_in_one_sentence(stack: LocalStack, arguments: tuple[str, ...], told: str):
    done = mainspring(stack, *arguments)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
