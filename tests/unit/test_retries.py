"""Retries: how often, how long between them, and of what."""

from __future__ import annotations

from engine.history.model import Status
from tests.harness import run


def test_retries_stop_at_the_first_success_and_count_attempts():
    node = {"id": "a", "type": "effect", "config": {"fail_times": 2, "output": 1}, "retry": {"max_attempts": 5}}
    result = run({"nodes": [node]})

    assert result.effects.count("a") == 3
    assert result.states["a"].attempts == 3


def test_retries_give_up_after_the_last_attempt():
    node = {"id": "a", "type": "effect", "config": {"fail_times": 99}, "retry": {"max_attempts": 4}}
    result = run({"nodes": [node]})

    assert result.effects.count("a") == 4
    assert result.execution.status is Status.FAILED


def test_a_long_back_off_is_handed_to_the_state_machine_and_survives():
    node = {
        "id": "a",
        "type": "effect",
        "config": {"fail_times": 2, "output": "ok"},
        "retry": {"max_attempts": 3, "interval_seconds": 100, "backoff_rate": 1},
    }
    result = run({"nodes": [node]})

    assert result.decisions == ["suspend_until", "suspend_until", "succeeded"]
    assert 100 <= result.clock.offset <= 200
    assert result.effects.events[-1] == ("end", "a", 3)


def test_retry_after_header_is_honored():
    config = {"fail_times": 1, "retry_after": 3600}
    result = run({"nodes": [{"id": "a", "type": "effect", "config": config, "retry": {"max_attempts": 2}}]})

    assert result.clock.offset >= 3600


def test_what_is_not_retryable_is_not_retried_unless_named():
    config = {"fail_times": 1, "retryable": False}
    plain = run({"nodes": [{"id": "a", "type": "effect", "config": config, "retry": {"max_attempts": 3}}]})
    named = run(
        {"nodes": [{"id": "a", "type": "effect", "config": config, "retry": {"max_attempts": 3, "on": ["broken"]}}]}
    )

    assert plain.effects.count("a") == 1
    assert named.execution.status is Status.SUCCEEDED
