"""The services that answer the API's own routes: made once for each worker, on first use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from engine.storage.dynamodb.table import Table
from functions import container

if TYPE_CHECKING:
    from engine.services.api_keys import ApiKeyService
    from engine.services.data import DataService
    from engine.services.events.subscriptions import SubscriptionService
    from engine.services.executions.api import ExecutionService
    from engine.services.executions.approvals import ApprovalService
    from engine.services.executions.node_details import NodeInspector
    from engine.services.executions.previews import Previews
    from engine.services.executions.samples import Samples
    from engine.services.executions.signals import SignalService
    from engine.services.executions.statistics import Statistics
    from engine.services.executions.trials import Trials
    from engine.services.link_answers import LinkAnswers
    from engine.services.triggers.api import TriggerService
    from engine.services.workflows.api import WorkflowService
    from engine.services.workflows.drafts import DraftService
    from engine.services.workflows.publishing import PublishingService
    from engine.services.workspaces import WorkspaceService
    from engine.storage.data_tables import DataTables
    from engine.storage.files import WorkspaceFiles


@cache
def subscription_service() -> SubscriptionService:
    """Subscriptions to events."""
    from engine.services.events.subscriptions import SubscriptionService

    return SubscriptionService(
        container.repositories().subscriptions,
        container.box(),
        container.publisher(),
        container.send_deliveries,
        container.clock,
    )


@cache
def trigger_service() -> TriggerService:
    """Triggers, for those who own them."""
    from engine.services.triggers.api import TriggerService

    return TriggerService(
        container.repositories(), container.starter(), container.box(), container.settings.api_url, container.clock
    )


@cache
def workflow_service() -> WorkflowService:
    """Workflows."""
    from engine.nodes.registry import NodeExecutorFactory
    from engine.services.workflows.api import WorkflowService

    return WorkflowService(container.repositories(), NodeExecutorFactory(), container.clock)


@cache
def publishing_service() -> PublishingService:
    """Versions of workflows, and which of them is published."""
    from engine.nodes.registry import NodeExecutorFactory
    from engine.services.workflows.publishing import PublishingService

    return PublishingService(container.repositories(), NodeExecutorFactory(), container.clock)


@cache
def draft_service() -> DraftService:
    """Drafts of workflows."""
    from engine.nodes.registry import NodeExecutorFactory
    from engine.services.workflows.drafts import DraftService

    return DraftService(container.repositories(), NodeExecutorFactory(), container.clock)


@cache
def execution_service() -> ExecutionService:
    """Executions."""
    from engine.services.executions.api import ExecutionService

    return ExecutionService(container.repositories(), container.starter(), container.finalization(), _trials)


@cache
def node_inspector() -> NodeInspector:
    """What works out what nodes were given."""
    from engine.services.executions.node_details import NodeInspector

    return NodeInspector(container.repositories(), container.settings.api_url, container.clock)


@cache
def approval_service() -> ApprovalService:
    """What waits for people."""
    from engine.services.executions.approvals import ApprovalService

    return ApprovalService(container.repositories(), node_inspector(), container.clock)


@cache
def data_service() -> DataService:
    """Files and data tables."""
    from engine.services.data import DataService

    return DataService(_files, _data_tables(), container.clock)


def _files(workspace_id: str) -> WorkspaceFiles:
    from engine.storage.files import WorkspaceFiles

    return WorkspaceFiles(lambda: container.client("s3"), container.settings.payload_bucket, workspace_id)


def _data_tables() -> DataTables:
    from engine.storage.data_tables import DataTables

    return DataTables(Table(container.client("dynamodb"), container.settings.automation_table), container.clock.now)


@cache
def workspace_service() -> WorkspaceService:
    """Workspaces and their members."""
    from engine.services.workspaces import WorkspaceService

    return WorkspaceService(
        container.workspaces(),
        container.users(),
        container.clock,
        _what_is_left,
        container.repositories().workspace_settings.delete,
    )


@cache
def api_key_service() -> ApiKeyService:
    """API keys and service accounts."""
    from engine.services.api_keys import ApiKeyService

    existing = container.repositories().workflows.existing
    return ApiKeyService(container.api_keys(), container.users(), container.workspaces(), existing, container.clock)


def _what_is_left(workspace_id: str) -> list[str]:
    """Return what a workspace still holds, in words."""
    stored = container.repositories()
    held = {
        "workflows": stored.workflows.page(workspace_id, None, 1).items,
        "integrations": stored.integrations.of_workspace(workspace_id),
        "subscriptions": stored.subscriptions.of_workspace(workspace_id),
        "data tables": _data_tables().names(workspace_id),
        "files": _files(workspace_id).list("", 1, None)[0],
    }
    return [name for name, found in held.items() if found]


@cache
def statistics() -> Statistics:
    """What has run."""
    from engine.services.executions.statistics import Statistics

    return Statistics(container.repositories(), container.clock)


@cache
def samples() -> Samples:
    """What the nodes of workflows gave last."""
    from engine.services.executions.samples import Samples

    return Samples(container.repositories(), node_inspector(), container.clock)


@cache
def previews() -> Previews:
    """What evaluates templates for people."""
    from engine.services.executions.previews import Previews

    return Previews(node_inspector(), samples(), container.clock)


@cache
def _trials() -> Trials:
    from engine.services.executions.trials import Trials

    return Trials(container.repositories(), draft_service(), container.clock)


@cache
def link_answers() -> LinkAnswers:
    """Answers by the links of mails."""
    from engine.services.link_answers import LinkAnswers

    return LinkAnswers(container.repositories(), signal_service(), container.people(), container.clock)


@cache
def signal_service() -> SignalService:
    """Answers to what waits."""
    from engine.services.executions.signals import SignalService

    return SignalService(container.repositories(), container.finalization(), container.clock)
