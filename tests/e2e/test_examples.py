"""Every example ends as its description says, run as a user runs it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from engine.history.prices import TRANSITION
from infrastructure.local.stack import LocalStack
from infrastructure.stack.console_build import CONSOLE
from tests.e2e.aws import make_things
from tests.e2e.command_line import command_line, mainspring
from tests.e2e.conftest import Caller
from tests.peers import Answer, as_json, peer
from tests.servers import PASSWORD, USER, MailServer, mail_server, postgresql

EXAMPLES = Path(__file__).parent.parent.parent / "events" / "workflows"

EXPECTED = {
    "approval_with_deadline": lambda result: result == {"end": {"escalate": "nobody answered; escalated"}},
    "charge_at_most_once": lambda result: result == {"receipt": {"charged": 40}},
    "check_each_address": lambda result: result["summary"] == {"ok": 3, "failed": ["each[2].call"]},
    "first_answer_wins": lambda result: result == "quick was first",
    "poll_until_ready": lambda result: result == {"done": {"turn": 3, "ready": True}},
    "fan_out_and_join": lambda result: result["join"]["statuses"] == [200, 200, 401],
    "long_delay": lambda result: result["after"]["waited_seconds"] >= 8,
    "nightly_report": lambda result: "Optional source: unavailable" in result["report"],
    "order_approval": lambda result: (result["decision"], result["by"]) == ("review", "finance"),
    "retry_then_recover": lambda result: result["summary"]["status"] == 401 and result["summary"]["fallback"] == "ok",
    "transform_orders": lambda result: result["by_country"] == {"DE": 120, "FR": 100, "日本": 990},
    "webhook_order_intake": lambda result: result == {"book": {"booked": "A-17", "amount": 120}},
    "schedule_weekday_digest": lambda result: result["digest"].startswith("The daily digest of 20"),
    "event_large_orders": lambda result: result == {"note": "Order A-18 is large: 4200"},
    "event_follow_failures": lambda result: result["tell"].endswith("has failed: the shop answered 500"),
    "account_uploads_and_messages": lambda result: result == {"file": "orders/2026-05-01.csv"},
    "route_by_priority": None,
    "clean_up_an_import": lambda result: (result["total"], result["rows"]) == (4.7, 2) and len(result["sha256"]) == 64,
    "nightly_database_report": lambda result: result["orders"] == 2,
    "form_to_sheet_with_approval": lambda result: (result["decision"], result["row"]["price"]) == ("approved", 480),
    "invoice_extraction": lambda result: result["booked"]["booked"]["number"] == "A-2026-17",
    "score_leads": lambda result: result["grades"] == {"A": 1, "C": 2},
    "tell_the_rest_of_aws": lambda result: result == 3,
}
COSTS = json.loads((CONSOLE / "web/src/screens/templates/costs.json").read_text())
"""What the console's templates say that a run costs, in dollars: `bill.dollars` of a run of each on the local stack."""
UNMEASURED = {"tell_the_rest_of_aws"}
ANSWERED = {"form_to_sheet_with_approval": "decide"}
"""Examples that wait for somebody, and where."""


class Office:
    """What the examples name: a database, a mail server, Slack, models, and things in AWS."""

    def __init__(self, admin: Caller, mail: MailServer) -> None:
        self.admin, self.mail = admin, mail
        self.posts: list[dict[str, Any]] = []

    def slack(self, request: dict[str, Any]) -> Answer:
        self.posts.append(json.loads(request["body"]))
        return as_json({"ok": True, "channel": "C1", "ts": f"{len(self.posts)}.0"})

    def model(self, request: dict[str, Any]) -> Answer:
        asked = json.loads(request["body"])["messages"]
        assert "Total due: 480.00 EUR" in asked[1]["content"]
        found = '{"number": "A-2026-17", "date": "2026-05-01", "total": 480, "currency": "EUR"}'
        usage = {"prompt_tokens": 120, "completion_tokens": 30}
        return as_json({"choices": [{"message": {"content": found}, "finish_reason": "stop"}], "usage": usage})


@pytest.fixture(scope="module")
def office(stack: LocalStack, admin: Caller, shared: Path) -> Iterator[Office]:
    with ExitStack() as open_now:
        database = open_now.enter_context(postgresql(shared))
        mail = open_now.enter_context(mail_server(shared))
        office = Office(admin, mail)
        slack, models = open_now.enter_context(peer(office.slack)), open_now.enter_context(peer(office.model))
        smtp = {"host": "localhost", "port": mail.port, "username": USER, "password": PASSWORD}
        smtp["ca_certificate"] = mail.ca_pem
        for name, kind, config in (
            ("shop database", "postgresql", database.config),
            ("company mail", "smtp", {**smtp, "from_address": "Reports <reports@shop.example>"}),
            ("team Slack", "slack", {"token": "xoxb-of-the-team", "base_url": slack.url}),
            (
                "our models",
                "openai",
                {"api_key": "sk-of-the-team", "base_url": models.url, "dollars_per_million_input": 2},
            ),
        ):
            admin.ok("POST", "/api/integrations", json={"name": name, "type": kind, "config": config})
        make_things(stack)
        statements = (
            "CREATE TABLE orders (id int, customer text, total numeric, day date)",
            (
                "INSERT INTO orders SELECT n, 'Zoë', 12.5, (now() AT TIME ZONE 'Europe/Berlin')::date - 1"
                " FROM generate_series(1, 2) AS n"
            ),
        )
        nodes = [
            {"id": f"n{i}", "type": "database_query", "config": {"integration": "shop database", "query": one}}
            for i, one in enumerate(statements)
        ]
        done = admin.run({"nodes": nodes, "edges": [{"from": "n0", "to": "n1"}]})
        assert done["status"] == "succeeded", done["error"]
        yield office


def answer(admin: Caller, name: str, node: str) -> None:
    """Approve what an example waits for, as soon as it does."""
    for _ in range(600):
        for workflow in admin.ok("GET", "/api/workflows", params={"q": name})["items"]:
            if workflow["name"] != name:
                continue
            listed = admin.ok("GET", "/api/executions", params={"workflow_id": workflow["id"], "status": "waiting"})
            if listed["items"]:
                path = f"/api/executions/{listed['items'][0]['id']}/signals/{node}"
                admin.ok("POST", path, json={"decision": "approved"})
                return
        time.sleep(0.1)


def test_every_example_has_its_expectation():
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(EXPECTED)
    assert COSTS.keys() == EXPECTED.keys() - UNMEASURED


@pytest.mark.parametrize("name", EXPECTED)
def test_every_example_gives_its_result(stack: LocalStack, admin: Caller, office: Office, name: str):
    expected = EXPECTED[name]
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    somebody = Thread(target=answer, args=(admin, example["name"], ANSWERED.get(name)))
    if name in ANSWERED:
        somebody.start()
    done = mainspring(stack, "run", str(EXAMPLES / f"{name}.json"))
    if name in ANSWERED:
        somebody.join()
    execution_id = done.stderr.partition("/console/runs/")[2].split()[0]  # other tests run some of the examples, too
    execution = admin.ok("GET", f"/api/executions/{execution_id}")

    if expected is None:
        assert done.returncode == 1
        assert "galactic" in done.stderr
        assert execution["status"] == "failed"
    else:
        assert done.returncode == 0, done.stderr
        assert expected(json.loads(done.stdout))
        assert execution["result"] == json.loads(done.stdout)
    assert {node["status"] for node in execution["nodes"]} <= {"succeeded", "failed", "skipped"}
    assert admin.ok("GET", f"/api/executions/{execution_id}/logs")["items"]
    if name not in UNMEASURED:  # state transitions do not depend on how fast a machine is, and are most of a small run
        transitions = execution["bill"]["transitions"] * TRANSITION
        assert transitions / 3 <= COSTS[name] <= 10 * transitions, execution["bill"]  # more on a busy machine


def test_effects_of_the_examples_are_there(stack: LocalStack, admin: Caller, office: Office):
    """The report is in a mailbox, the request is in a workbook and in Slack, and the same invoice is a duplicate."""
    report = office.mail.mails[-1]
    (attached,) = report.iter_attachments()
    assert str(report["Subject"]).startswith("Orders of 20")
    with zipfile.ZipFile(io.BytesIO(attached.get_payload(decode=True))) as archive:
        assert [name.rpartition(".")[2] for name in archive.namelist()] == ["xlsx", "csv"]
        assert "Zoë" in archive.read(archive.namelist()[1]).decode()
    assert [post.get("thread_ts") for post in office.posts] == [None, "1.0"]
    read = {"id": "x", "type": "spreadsheet", "config": {"source": {"file": "requests.xlsx"}}}
    assert admin.run({"nodes": [read]})["result"]["x"]["rows"][0]["what"] == "A standing desk"
    again = mainspring(stack, "run", str(EXAMPLES / "invoice_extraction.json"))
    assert json.loads(again.stdout) == {"duplicate": {"duplicate": "A-2026-17"}}


def test_cases_of_the_examples_pass():
    done = command_line("test", *map(str, sorted(EXAMPLES.glob("*.test.yaml"))))
    assert done.returncode == 0, done.stdout
    assert "0 failed" in done.stdout
    one = command_line("test", str(EXAMPLES / "invoice_extraction.json"), "--case", "duplicate")
    assert "1 passed" in one.stdout
    assert command_line("test", str(EXAMPLES)).stdout == done.stdout


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ("cases: [{name: x, expect: {result: 2}}]", "its result is {'a': 1}; expected was 2"),
        ("cases: [{name: x, nodes: {b: {output: 1}}}]", "the workflow has no node `b`"),
        ("cases: [{name: x, expect: {ran: []}}]", "there ran a; expected was nothing"),
        ("cases: [{name: x, expect: {nodes: {a: 7}}}]", "the output of `a` is 1; expected was 7"),
        ("cases: [{name: x, expect: {asked: {a: {}}}}]", "`a` was not attempted"),
        ("cases: [{nam: x}]", "cases.0.name"),
        ("cases: []", "cases"),
        ("cases: [", "is not YAML"),
        ("workflow: none.json\ncases: [{name: x}]", "cannot be read"),
        ("workflow: nowhere/none.json\ncases: [{name: x}]", "cannot be read"),
        ("workflow: call.json\ncases: [{name: x, expect: {status: failed}}]", "`call` (http) reaches outside"),
    ],
)
def test_failing_or_invalid_case_is_reported_in_one_sentence(tmp_path: Path, cases: str, says: str):
    node = {"id": "a", "type": "transform", "config": {"value": 1}}
    (tmp_path / "w.json").write_text(json.dumps({"nodes": [node]}))
    call = {"id": "call", "type": "http", "config": {"url": "https://api.example"}}
    (tmp_path / "call.json").write_text(json.dumps({"nodes": [call]}))
    (tmp_path / "w.test.yaml").write_text(cases)
    done = command_line("test", str(tmp_path / "w.json"))
    assert done.returncode == 1
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("choice", "value", "says"),
    [
        ("--extension", "nowhere", "is no Python package"),
        ("--resource", "orders", "is no ARN"),
        ("--resource", "arn:aws:sqs:us-east-1:111122223333:*", "stands for many"),
        ("--resource", "arn:aws:s3:::bucket", "no node uses resources of 's3'"),
    ],
)
def test_invalid_option_is_reported_before_anything_starts(tmp_path: Path, choice: str, value: str, says: str):
    done = command_line("up", "--detach", choice, value, "--data", str(tmp_path))
    assert (done.returncode, says in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "stack.json").exists()


def test_running_an_example_again_makes_no_new_version(stack: LocalStack, admin: Caller):
    file = str(EXAMPLES / "order_approval.json")
    first, second = (
        mainspring(stack, "run", file),
        mainspring(stack, "run", file, "--input", '{"order_id": 1, "customer": "A", "total": 5}'),
    )

    assert "version 1" in first.stderr
    assert "version 1" in second.stderr
    assert json.loads(second.stdout)["decision"] == "approved"


def test_the_command_line_against_an_api_and_a_token(stack: LocalStack, admin: Caller):
    token = mainspring(stack, "token").stdout.strip()
    file = str(EXAMPLES / "order_approval.json")
    done = command_line("run", file, "--api-url", str(admin.http.base_url), "--token", token)
    refused = command_line("run", file, "--api-url", str(admin.http.base_url), "--token", "x")
    half = command_line("run", file, "--api-url", str(admin.http.base_url))

    assert done.returncode == 0, done.stderr
    assert (refused.returncode, half.returncode) == (1, 1)
    assert "Traceback" not in refused.stderr
    assert "not valid" in refused.stderr
    assert "mainspring login" in half.stderr


def test_status_and_logs(stack: LocalStack, admin: Caller):
    status = json.loads(mainspring(stack, "status", "--json").stdout)
    execution = admin.run({"nodes": [{"id": "a", "type": "transform", "config": {"value": 1}}]})
    log = mainspring(stack, "logs", execution["id"]).stdout

    assert status["running"] is True
    assert set(status) >= {"api_url", "email", "password"}
    assert "execution succeeded" in log


def test_approvals_are_answered_and_runs_are_retried_and_cancelled(stack: LocalStack, admin: Caller):
    definition: dict[str, Any] = {
        "nodes": [
            {"id": "ask", "type": "approval", "config": {"message": "May I?"}},
            {"id": "yes", "type": "transform", "config": {"value": "{{ trigger.body.x }}"}},
        ],
        "edges": [{"from": "ask", "port": "approved", "to": "yes"}],
    }
    workflow_id = admin.workflow(definition)["id"]
    execution_id = admin.start(workflow_id, {})["id"]
    admin.wait(execution_id, frozenset({"waiting"}))
    answered = mainspring(stack, "answer", execution_id, "ask", "approved", "--comment", "go on")
    failed = admin.wait(execution_id)
    again = mainspring(stack, "answer", execution_id, "ask", "rejected")
    definition["nodes"][1]["config"]["value"] = "{{ trigger.body.x ?? 7 }}"
    better = {"definition": definition, "publish": True}
    admin.ok("PUT", f"/api/workflows/{workflow_id}", json=better, headers={"if-match": "*"})
    retried = mainspring(stack, "retry", execution_id, "--version", "current")
    wrong = mainspring(stack, "retry", execution_id, "--from", "nobody")
    other = admin.start(workflow_id, {})["id"]
    cancelled = mainspring(stack, "cancel", other)

    assert (answered.returncode, failed["status"], again.returncode) == (0, "failed", 1)
    assert "already" in again.stderr
    assert (retried.returncode, json.loads(retried.stdout)) == (0, {"yes": 7}), retried.stderr
    assert "cost $" in retried.stderr
    assert wrong.returncode == 1
    assert "no node `nobody`" in wrong.stderr
    assert cancelled.returncode == 0
    assert admin.wait(other)["status"] == "cancelled"
    for done in (again, wrong):
        assert "Traceback" not in done.stderr


def test_port_in_use_is_reported_in_one_sentence(stack: LocalStack, tmp_path: Path):
    running = stack.running()
    assert running is not None
    done = command_line("up", "--detach", "--port", str(running.port), "--data", str(tmp_path))

    assert done.returncode == 1
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "does not hold a JSON object"),
        ('{"definition": {}, "colour": 1}', "unknown field `colour`"),
        ('{"nodes": [{"id": "a", "type": "nope"}]}', "1 problem"),
    ],
)
def test_bad_file_is_reported_in_one_sentence(tmp_path: Path, content: str, says: str):
    (tmp_path / "w.json").write_text(content)
    done = command_line("validate", str(tmp_path / "w.json"))

    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
