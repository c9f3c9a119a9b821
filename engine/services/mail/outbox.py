"""The outbox of workspaces: a mail is recorded here, and is sent as soon as that is so."""

from __future__ import annotations

from dataclasses import dataclass

from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput
from engine.security.secrets import SecretBox, mail_context
from engine.services.principal import Principal
from engine.storage.integrations import IntegrationRepository
from engine.storage.mails import LINK, Mail, MailRepository
from engine.storage.repositories import Repositories
from engine.storage.workspace_settings import WorkspaceSettingsRepository

MAIL_TYPES = frozenset({"smtp"})
"""The types of integrations that send mail."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How a workspace sends mail: whether it can, and the name of the integration that it has chosen for it."""

    can_send: bool
    integration_name: str | None


class Outbox:
    """Records the mails of workspaces.

    Args:
        repositories: where the rows and the settings are.
        box: encrypts links.
        clock: returns the time.
        has_sender: whether the deployment has a sender of its own, in Amazon SES.
    """

    def __init__(self, repositories: Repositories, box: SecretBox, clock: Clock, *, has_sender: bool) -> None:
        self._mails: MailRepository = repositories.mails
        self._settings: WorkspaceSettingsRepository = repositories.workspace_settings
        self._integrations: IntegrationRepository = repositories.integrations
        self._box = box
        self._clock = clock
        self._has_sender = has_sender

    def can_send(self, workspace_id: str) -> bool:
        """Return whether the workspace has a way to send mail."""
        return self._has_sender or self._settings.get(workspace_id).mail_integration is not None

    def send(self, workspace_id: str, mail_id: str, to: str, subject: str, text: str, link: str | None = None) -> bool:
        """Record a mail, which the stream of the table has sent at once; return False if it was recorded before.

        Args:
            workspace_id: whose mail it is.
            mail_id: its id; a mail with the same id is sent once.
            to: the address of one person.
            subject: one line.
            text: plain text; `LINK` in it stands for the link.
            link: what lets whoever has it do something. It is encrypted, and kept only until the mail is sent.

        Raises:
            ValueError: the text has no place for the link.
        """
        if (link is not None) != (LINK in text):
            raise ValueError("a mail with a link has a place for it")
        sealed = None if link is None else self._box.seal(link, mail_context(workspace_id, mail_id))
        now = self._clock.now()
        line = " ".join(subject.split())[:300]
        mail = Mail(mail_id, workspace_id, to, line, text, format_time(now), sealed, next_at=format_time(now))
        return self._mails.queue(mail, now)

    def sender(self, workspace_id: str) -> Sender:
        """Return how the workspace's mail is sent."""
        chosen = self._settings.get(workspace_id).mail_integration
        found = self._integrations.find(workspace_id, chosen) if chosen else None
        return Sender(self._has_sender or chosen is not None, found.name if found else None)

    def choose_integration(self, principal: Principal, named: str | None) -> None:
        """Choose the integration that sends the workspace's mail, by its name or id; None for none.

        Raises:
            InvalidInput: the workspace has no such integration, or it sends no mail.
        """
        found = None
        if named is not None:
            found = self._integrations.find(principal.workspace_id, named)
            if found is None:
                raise InvalidInput.at("mail_integration", f"the workspace has no integration {named!r:.110}")
            if found.type not in MAIL_TYPES:
                wanted = " or ".join(f"`{one}`" for one in sorted(MAIL_TYPES))
                message = f"{named!r:.110} is of the type `{found.type}`, which sends no mail; choose one of {wanted}"
                raise InvalidInput.at("mail_integration", message)
        self._settings.set_mail_integration(principal.workspace_id, found.id if found else None)


def check_no_mail_by(settings: WorkspaceSettingsRepository, workspace_id: str, integration_id: str) -> None:
    """Refuse to delete the integration that sends a workspace's mail.

    Raises:
        Conflict: code `in_use`: it does.
    """
    if settings.get(workspace_id).mail_integration == integration_id:
        message = "the workspace sends its mail by it; choose another `mail_integration` first"
        raise Conflict(message, code="in_use")
