"""What a request about workspaces and members can be answered with."""

from __future__ import annotations

from engine.reference.error_codes.base import ErrorCode

CODES: dict[str, ErrorCode] = {
    "no_member": ErrorCode(
        "The caller is no member of the workspace that the access token is for.",
        "Somebody removed them, they left, or the workspace was deleted.",
        "Refresh the token: the new one is for the personal workspace. `GET /api/workspaces` lists the others.",
    ),
    "last_owner": ErrorCode(
        "The workspace would have no owner.",
        "Its last owner was to leave, to be removed, or to get another role.",
        "Make somebody else an owner first.",
    ),
    "personal_workspace": ErrorCode(
        "A personal workspace stays, and so does its user in it.",
        "It was to be deleted or left.",
        "Create workspaces for what is shared.",
    ),
    "not_empty": ErrorCode(
        "The workspace still holds something.",
        "It has workflows, integrations, subscriptions, data tables or files.",
        "Delete what the message names first.",
    ),
    "role_in_use": ErrorCode(
        "The role is somebody's.",
        "Members have it, or an open invitation offers it.",
        "Give these members another role, and withdraw the invitation.",
    ),
    "grants_more": ErrorCode(
        "A role grants more than that of the caller.",
        "Nobody gives, takes or changes a role with permissions that they do not have themselves.",
        "Ask an owner.",
    ),
    "not_for_you": ErrorCode(
        "The invitation is for another e-mail address.",
        "The link alone lets nobody in.",
        "Sign in or register with the address that is invited.",
    ),
    "already_member": ErrorCode(
        "The caller is a member of the workspace already.",
        "They accepted another invitation.",
        "Ask somebody who manages members for another role, if you need one.",
    ),
    "invitation_used": ErrorCode(
        "The invitation was used or withdrawn at the same moment.",
        "Two requests came at once.",
        "Sign in if it was you; else ask for a new invitation.",
    ),
    "invalid_key": ErrorCode(
        "The API key is not valid.",
        "It was revoked, rotated or mistyped, or its owner was kept out since it was made.",
        "Copy all of it, from `ms_` on; or make another one: `mainspring key create`.",
    ),
    "key_expired": ErrorCode(
        "The API key has expired.",
        "It was made for some days only.",
        "Rotate it with `expires_in_days`, or make another one.",
    ),
    "key_over": ErrorCode(
        "The API key cannot be rotated.",
        "It has expired, or its owner was removed since it was made.",
        "Say how long it is to be good again with `expires_in_days`; or revoke it, and make another one.",
    ),
    "session_needed": ErrorCode(
        "An API key cannot do this.",
        "It is about somebody's account, or makes other keys: a key that leaked must not make itself last.",
        "Sign in, and send the access token.",
    ),
    "other_workflow": ErrorCode(
        "The API key is for some workflows only.",
        "The request is about another workflow, or about none.",
        "Name one of the key's workflows, or make a key for this one.",
    ),
}
