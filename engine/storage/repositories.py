"""The repositories of the Automation table, bundled for services that use several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.storage.approvals import ApprovalRepository
from engine.storage.concurrency_slots import SlotRepository
from engine.storage.drafts import DraftRepository
from engine.storage.dynamodb.table import Table
from engine.storage.executions import ExecutionRepository
from engine.storage.history import HistoryRepository
from engine.storage.integrations import IntegrationRepository
from engine.storage.listeners import ListenerRepository
from engine.storage.logs import LogRepository
from engine.storage.mails import MailRepository
from engine.storage.map_batches import MapBatchRepository
from engine.storage.next_checks import NextCheckRepository
from engine.storage.oauth_consents import ConsentRepository
from engine.storage.payloads import DRAFTS, PayloadStore
from engine.storage.purge import PurgeRepository
from engine.storage.statistics import StatisticsRepository
from engine.storage.subscriptions import SubscriptionRepository
from engine.storage.triggers import TriggerRepository
from engine.storage.workflows import WorkflowRepository
from engine.storage.workspace_settings import WorkspaceSettingsRepository

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class Repositories:
    """One repository of each kind."""

    approvals: ApprovalRepository
    executions: ExecutionRepository
    histories: HistoryRepository
    logs: LogRepository
    map_batches: MapBatchRepository
    slots: SlotRepository
    next_checks: NextCheckRepository
    workflows: WorkflowRepository
    drafts: DraftRepository
    triggers: TriggerRepository
    listeners: ListenerRepository
    subscriptions: SubscriptionRepository
    integrations: IntegrationRepository
    consents: ConsentRepository
    payloads: PayloadStore
    statistics: StatisticsRepository
    purge: PurgeRepository
    mails: MailRepository
    workspace_settings: WorkspaceSettingsRepository

    @classmethod
    def of(cls, table: Table, s3: Callable[[], S3Client], bucket: str, retention_days: int) -> Repositories:
        """Return the repositories of a table and a bucket; ended executions are kept for so many days."""
        payloads = PayloadStore(s3, bucket)
        histories = HistoryRepository(table, payloads)
        executions = ExecutionRepository(table, payloads, retention_days)
        return cls(
            ApprovalRepository(table),
            executions,
            histories,
            LogRepository(table, payloads, histories),
            MapBatchRepository(table, payloads, executions),
            SlotRepository(table),
            NextCheckRepository(table),
            WorkflowRepository(table, retention_days),
            DraftRepository(table, PayloadStore(s3, bucket, DRAFTS)),
            TriggerRepository(table),
            ListenerRepository(table),
            SubscriptionRepository(table, retention_days),
            IntegrationRepository(table),
            ConsentRepository(table),
            payloads,
            StatisticsRepository(table),
            PurgeRepository(table, payloads),
            MailRepository(table),
            WorkspaceSettingsRepository(table),
        )
