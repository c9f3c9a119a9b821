"""What a workspace has chosen for its automation; who belongs to it is in the Identity table.

WORKSPACE#<id>  SETTINGS  mail_integration
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.storage.dynamodb.table import Table

_SETTINGS = "SETTINGS"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """The settings of a workspace. `mail_integration` is the id of the integration that sends its mail."""

    mail_integration: str | None = None


class WorkspaceSettingsRepository:
    """Reads and changes the settings of workspaces."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, workspace_id: str) -> WorkspaceSettings:
        """Return the settings; those of a workspace that has chosen nothing are the defaults."""
        item = self._table.get(_pk(workspace_id), _SETTINGS)
        return WorkspaceSettings(item.get("mail_integration")) if item else WorkspaceSettings()

    def set_mail_integration(self, workspace_id: str, integration_id: str | None) -> None:
        """Choose the integration that sends the workspace's mail, or none."""
        changes = {"mail_integration": integration_id} if integration_id else {}
        remove = () if integration_id else ("mail_integration",)
        self._table.update(_pk(workspace_id), _SETTINGS, changes, remove=remove, condition="")

    def delete(self, workspace_id: str) -> None:
        """Remove the settings of a workspace that is deleted."""
        self._table.delete(_pk(workspace_id), _SETTINGS)


def _pk(workspace_id: str) -> str:
    return f"WORKSPACE#{workspace_id}"
