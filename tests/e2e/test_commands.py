"""The command line: lists, what it publishes, what goes to which stream, and that it asks before anything is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2

from infrastructure.local.stack import LocalStack
from tests.e2e.command_line import command_line, mainspring
from tests.e2e.conftest import Caller


def file_of(folder: Path, name: str, value: Any, **more: Any) -> Path:
    """A workflow file whose result is `value`."""
    file = folder / f"{name}.json"
    node = {"id": "a", "type": "transform", "config": {"value": value}}
    file.write_text(json.dumps({"name": name, "definition": {"nodes": [node], **more}}))
    return file


def test_saving_a_file_replaces_no_version_that_was_not_seen(stack: LocalStack, admin: Caller, tmp_path: Path):
    file = file_of(tmp_path, "Stale file", 1)
    assert json.loads(mainspring(stack, "run", str(file)).stdout) == {"a": 1}
    file_of(tmp_path, "Stale file", 2)
    own = mainspring(stack, "run", str(file))
    assert json.loads(own.stdout) == {"a": 2}, "an edit of one's own runs"
    assert "version 1 stays published until you give --publish" in own.stderr

    (workflow,) = admin.ok("GET", "/api/workflows", params={"q": "Stale file"})["items"]
    address = f"/api/workflows/{workflow['id']}"
    colleague = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "colleague"}}]}
    admin.ok("PUT", address, json={"definition": colleague}, headers={"if-match": '"2"'})
    for options in ([], ["--publish"]):
        refused = mainspring(stack, "run", str(file), *options)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "was not saved from here" in refused.stderr
    assert admin.ok("GET", address)["definition"] == colleague
    exported = json.loads(mainspring(stack, "export", "Stale file").stdout)
    assert exported == {"name": "Stale file", "definition": colleague}
    file_of(tmp_path, "Stale file", 4)
    assert json.loads(mainspring(stack, "run", str(file), "--publish").stdout) == {"a": 4}, "it has been looked at"
    found = admin.ok("GET", address)
    assert (found["version"], found["published_version"]) == (4, 4)

    back = mainspring(stack, "rollback", "Stale file", "-m", "four is wrong")
    assert (back.returncode, "version 1 is published, version 4 is the newest" in back.stdout) == (0, True)
    assert "value: 1 → 4" in mainspring(stack, "diff", "Stale file").stdout
    assert mainspring(stack, "publish", "Stale file", "--version", "2").returncode == 0
    assert mainspring(stack, "restore", "Stale file", "1").returncode == 0
    listed = json.loads(mainspring(stack, "versions", "Stale file", "--json").stdout)
    assert [(one["version"], one["is_published"]) for one in listed][:4] == [
        (5, False), (4, False), (3, False), (2, True),
    ]  # fmt: skip
    assert "(version 1 again)" in mainspring(stack, "versions", "Stale file").stdout


def test_running_a_changed_file_does_not_change_what_live_triggers_start(
    stack: LocalStack, admin: Caller, tmp_path: Path
):
    hook = {"triggers": [{"id": "in", "type": "webhook", "config": {"answer": "result"}}]}
    file = file_of(tmp_path, "Live file", 1, **hook)
    activated = mainspring(stack, "activate", str(file))
    assert (activated.returncode, "/hooks/" in activated.stdout) == (0, True)
    address = next(word for word in activated.stdout.split() if "/hooks/" in word)
    file_of(tmp_path, "Live file", 2, **hook)
    assert json.loads(mainspring(stack, "run", str(file)).stdout) == {"a": 2}
    assert httpx2.post(address, json={}, timeout=60, trust_env=False).json() == {"a": 1}
    refused = mainspring(stack, "activate", str(file))
    assert (refused.returncode, "`--publish` makes the file the one" in refused.stderr) == (1, True)
    assert mainspring(stack, "activate", str(file), "--publish").returncode == 0
    assert httpx2.post(address, json={}, timeout=60, trust_env=False).json() == {"a": 2}
    assert mainspring(stack, "deactivate", "Live file").returncode == 0


def test_validate_resolves_names_when_a_stack_runs(stack: LocalStack, tmp_path: Path):
    mail = {"integration": "no such one", "to": ["a@example.com"], "subject": "s", "text": "t"}
    file = tmp_path / "mailing.json"
    file.write_text(json.dumps({"definition": {"nodes": [{"id": "mail", "type": "email", "config": mail}]}}))
    refused = mainspring(stack, "validate", str(file))
    assert refused.returncode == 1
    assert "nodes[0].config.integration (node `mail`): the workspace has no integration" in refused.stderr
    alone = command_line("validate", str(file), "--data", str(tmp_path / "nothing"))
    assert (alone.returncode, "were not looked up" in alone.stderr) == (0, True)


def test_a_name_that_two_workflows_have_is_refused_by_all_commands(stack: LocalStack, admin: Caller, tmp_path: Path):
    file = file_of(tmp_path, "Twin", 1)
    definition = json.loads(file.read_text())["definition"]
    ids = [admin.workflow(definition, "Twin")["id"] for _ in range(2)]
    for command in (["run", str(file)], ["activate", str(file)], ["deactivate", "Twin"], ["export", "Twin"]):
        refused = mainspring(stack, *command)
        assert refused.returncode == 1
        assert all(one in refused.stderr for one in ids)
    assert json.loads(mainspring(stack, "run", str(file), "--workflow", ids[0]).stdout) == {"a": 1}


def test_file_may_name_the_workflow_of_another_file(stack: LocalStack, tmp_path: Path):
    node = {"id": "sub", "type": "sub_workflow", "config": {"workflow": "Named by a file"}}
    caller = tmp_path / "caller.json"
    caller.write_text(json.dumps({"name": "Naming file", "definition": {"nodes": [node]}}))
    lost = mainspring(stack, "run", str(caller))
    assert (lost.returncode, "no workflow called `Named by a file`" in lost.stderr) == (1, True)
    file_of(tmp_path, "Named by a file", {"said": "by name"})

    done = mainspring(stack, "run", str(caller))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"sub": {"a": {"said": "by name"}}}
    exported = json.loads(mainspring(stack, "export", "Naming file").stdout)
    assert exported["definition"]["nodes"] == [node]
    (child,) = json.loads(mainspring(stack, "executions", "--workflow", "Named by a file", "--json").stdout)
    assert (child["status"], child["trigger_type"], child["error"]) == ("succeeded", "workflow", None)


def test_a_list_of_executions_says_why_one_failed(stack: LocalStack, tmp_path: Path):
    file = tmp_path / "failing.json"
    failing = {"id": "pay", "type": "fail", "config": {"message": "the card was declined"}}
    file.write_text(json.dumps({"name": "Failing file", "definition": {"nodes": [failing]}}))
    assert mainspring(stack, "run", str(file)).returncode == 1
    assert "pay: the card was declined" in mainspring(stack, "executions", "--workflow", "Failing file").stdout
    (listed,) = json.loads(mainspring(stack, "executions", "--workflow", "Failing file", "--json").stdout)
    assert (listed["error"]["message"], listed["error"]["node"]) == ("the card was declined", "pay")


def test_lists_are_printed_to_standard_output(stack: LocalStack, admin: Caller, tmp_path: Path):
    """They are on standard output, so that they can be searched, as a table or as JSON."""
    execution = json.loads(mainspring(stack, "run", str(file_of(tmp_path, "Listed", 1))).stdout)
    assert execution == {"a": 1}
    (listed,) = [line for line in mainspring(stack, "workflows").stdout.splitlines() if " Listed " in line]
    workflow_id = listed.split()[0]
    (run,) = json.loads(mainspring(stack, "executions", "--workflow", "Listed", "--json").stdout)
    assert (run["workflow_id"], run["status"]) == (workflow_id, "succeeded")
    shown = mainspring(stack, "executions", "--workflow", "Listed", "--status", "succeeded").stdout
    assert (run["id"] in shown, "Listed" in shown) == (True, True)
    assert admin.email in mainspring(stack, "users").stdout

    kept = mainspring(stack, "delete", "Listed")
    assert (kept.returncode, "--yes" in kept.stderr) == (1, True)
    assert mainspring(stack, "delete", "Listed", "--yes").returncode == 0
    assert " Listed " not in mainspring(stack, "workflows").stdout


def test_approval_is_listed_until_it_is_answered(stack: LocalStack, admin: Caller):
    definition = {"nodes": [{"id": "ask", "type": "approval", "config": {"message": "May we list?"}}]}
    execution_id = admin.start(admin.workflow(definition)["id"])["id"]
    admin.wait(execution_id, frozenset({"waiting"}))
    asked = json.loads(mainspring(stack, "approvals", "--json").stdout)
    assert [(one["node"], one["message"]) for one in asked if one["execution_id"] == execution_id] == [
        ("ask", "May we list?")
    ]
    mainspring(stack, "answer", execution_id, "ask", "approved")
    assert execution_id not in mainspring(stack, "approvals").stdout


def test_commands_for_integrations_users_and_events_work(stack: LocalStack, admin: Caller):
    config = '{"hosts": ["shop.example"], "token": "t0ken-of-the-commands"}'
    made = mainspring(stack, "integration", "create", "commands shop", "http_bearer", "--config", config)
    assert made.returncode == 0, made.stderr
    listed = mainspring(stack, "integrations").stdout
    assert made.stdout.strip() in listed
    assert "t0ken" not in listed + mainspring(stack, "integrations", "--json").stdout
    assert mainspring(stack, "integration", "delete", "commands shop", "--yes").returncode == 0
    sent = mainspring(stack, "event", "shop", "order.created", "--content", '{"n": 1}', "--id", "commands-1")
    assert (sent.returncode, sent.stdout.strip()) == (0, "commands-1")
    missing = mainspring(stack, "user", "deactivate", "nobody@example.com")
    assert (missing.returncode, "no user 'nobody@example.com'" in missing.stderr) == (1, True)


def test_hint_how_to_stop_names_the_running_stack(stack: LocalStack):
    again = mainspring(stack, "up", "--detach")
    assert f"mainspring down --data {stack.data}" in again.stderr


def test_the_environment_names_a_deployed_stack_for_all_commands(stack: LocalStack, admin: Caller):
    token = mainspring(stack, "token").stdout.strip()
    url = str(admin.http.base_url).rstrip("/")
    named = {"MAINSPRING_API_URL": url, "MAINSPRING_TOKEN": token}
    told = command_line("status", "--json", environment=named)
    assert json.loads(told.stdout)["api_url"] == url
    refused = command_line("token", environment=named)
    assert (refused.returncode, "is for the local one" in refused.stderr) == (1, True)


def test_version_is_printed():
    assert command_line("--version").stdout.strip()[0].isdigit()


def test_a_function_s_log_can_be_read(stack: LocalStack, admin: Caller):
    admin.run({"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]})
    assert mainspring(stack, "logs", "--function", "advance").stdout
    unknown = mainspring(stack, "logs", "--function", "retreat")
    assert (unknown.returncode, "there are advance, " in unknown.stderr) == (1, True)
    assert mainspring(stack, "logs").returncode == 1
