"""What a request to the API can be answered with."""

from __future__ import annotations

from engine.reference.error_codes.base import ErrorCode

CODES: dict[str, ErrorCode] = {
    "bad_request": ErrorCode(
        "The request cannot be carried out as it is.",
        "It is not well-formed, or no route expects it.",
        "Compare the request with `GET /api/openapi.json`.",
    ),
    "row_changed": ErrorCode(
        "The row of the data table is not the one that was seen.",
        "Somebody, or a workflow, has changed or deleted it meanwhile; `details` has what is there.",
        "Make the change again on what is there.",
    ),
    "duplicate_key": ErrorCode(
        "Two lines of a CSV file have one key.",
        "Each row has a key of its own; the first of the lines is taken.",
        "Remove one of the lines.",
    ),
    "test_run": ErrorCode(
        "The execution is a test run, which cannot be forked.",
        "`retry` was asked for a test run.",
        "Test again, with the outputs of this one as `pins`.",
    ),
    "unknown_parameter": ErrorCode(
        "The route knows no query parameter of this name.",
        "It is misspelled, or is one of another route.",
        "Use one of those that the message names.",
    ),
    "invalid_input": ErrorCode(
        "A field of the request is wrong.",
        "A value is missing, has a wrong type, or is out of its bounds.",
        "Correct the fields that `details` names.",
    ),
    "invalid": ErrorCode(
        "A field has a value that does not fit; it is in `details`.",
        "The value is not among those that the field accepts.",
        "Write what the message says is accepted.",
    ),
    "malformed_json": ErrorCode(
        "The body is not a JSON object.",
        "It is cut off, not UTF-8, or no JSON.",
        "Send valid JSON in UTF-8 with `content-type: application/json`.",
    ),
    "unsupported_media_type": ErrorCode(
        "The body has a type that is not read here.",
        "`content-type` is missing or is another one.",
        "Send `content-type: application/json`; for a webhook, the type of its `body`.",
    ),
    "wrong_password": ErrorCode(
        "The present password is another one.",
        "Whoever changes a password has to know the present one.",
        "Type it again; an administrator can make a link with which you choose another one.",
    ),
    "unauthenticated": ErrorCode(
        "There is no valid identity.",
        "The header `authorization` is missing or is not readable.",
        "Sign in, and send `authorization: Bearer TOKEN`.",
    ),
    "invalid_token": ErrorCode(
        "The access token or refresh token is not valid.",
        "It was changed, signed with another key, or used before.",
        "Sign in again.",
    ),
    "token_expired": ErrorCode(
        "The access token has expired.",
        "It is older than 15 minutes.",
        "Refresh it with `POST /api/auth/refresh`.",
    ),
    "session_ended": ErrorCode(
        "The session is over.",
        "Somebody signed out, or the user was deactivated.",
        "Sign in again.",
    ),
    "wrong_credentials": ErrorCode(
        "The e-mail address or the password is wrong.",
        "A typing error, or a user who was deactivated.",
        "Check both; an administrator can add or activate users.",
    ),
    "registration_closed": ErrorCode(
        "Nobody can register.",
        "There is a user already, and registration is not open.",
        "Ask for an invitation, or ask an administrator to add you.",
    ),
    "no_session": ErrorCode(
        "This browser has no session.",
        "Nobody has signed in with it, or the session was ended.",
        "Sign in.",
    ),
    "own_header_missing": ErrorCode(
        "A request for a cookie lacks the header that the console sends.",
        "Pages of other sites cannot send it, so it proves where the request comes from.",
        "Send `x-mainspring-console: 1`, or leave `session=cookie` out to get the refresh token in the answer.",
    ),
    "not_first": ErrorCode(
        "There is a user already.",
        "Two people registered as the first user at once.",
        "Sign in, or ask the administrator to add you.",
    ),
    "email_taken": ErrorCode(
        "There is a user with this e-mail address.",
        "The user was added before.",
        "Sign in, or use another address.",
    ),
    "own_account": ErrorCode(
        "You cannot deactivate your own account.",
        "The user of the request is the one to deactivate.",
        "Ask another administrator.",
    ),
    "forbidden": ErrorCode(
        "The identity is known and may not do this.",
        "The role in the workspace does not grant the permission that the route names, or it needs an administrator.",
        "Ask an owner of the workspace for another role.",
    ),
    "is_the_starter": ErrorCode(
        "This user may not answer the approval.",
        "The user has started the execution, and its `not_the_starter` is set.",
        "Ask one of the other approvers.",
    ),
    "not_an_approver": ErrorCode(
        "This user may not answer the approval.",
        "The user is not among its `approvers`.",
        "Ask one of the approvers, or change `approvers`.",
    ),
    "not_found": ErrorCode(
        "There is nothing with this id, or it belongs to another workspace.",
        "The id is wrong, or it was deleted.",
        "List what there is, and use its id.",
    ),
    "conflict": ErrorCode(
        "The present state does not allow the request.",
        "Something changed before.",
        "Read the message, get the present state, and try again.",
    ),
    "precondition_required": ErrorCode(
        "An update must name the version that it was based on.",
        "The header `If-Match` is missing.",
        "Send `If-Match` with the version that you have read.",
    ),
    "version_conflict": ErrorCode(
        "The change was based on an old version, or on another one that was published.",
        "Somebody else saved or published a version meanwhile.",
        "Get the workflow, make the change in it, and send its ETag.",
    ),
    "draft_conflict": ErrorCode(
        "The draft is not the one that was seen.",
        "It was saved, published or discarded in another window.",
        "Get the draft, and send its ETag.",
    ),
    "no_draft": ErrorCode(
        "You have no draft of this workflow.",
        "None was saved, or it was published or discarded.",
        "Save one with `PUT /api/workflows/{id}/draft`.",
    ),
    "not_published": ErrorCode(
        "Nothing of the workflow is published, so it cannot be started.",
        "It has only drafts, or versions that were never published.",
        "Publish a version; by its number one can be started without that.",
    ),
    "nothing_to_roll_back_to": ErrorCode(
        "No other version was published before the present one.",
        "It is the first publication, or all earlier ones were rolled back.",
        "Publish the version that you want by its number.",
    ),
    "changed_meanwhile": ErrorCode(
        "The integration was changed by somebody else meanwhile.",
        "Two changes came at once.",
        "Get the integration and try again.",
    ),
    "name_taken": ErrorCode(
        "The workspace has an integration of this name.",
        "Names of integrations are unique in a workspace.",
        "Use another name, or change the one that there is.",
    ),
    "in_use": ErrorCode(
        "The integration or the workflow is named by workflows.",
        "Deleting it would make them fail.",
        "Change the workflows in `details`, or use `?force=true`.",
    ),
    "limit_reached": ErrorCode(
        "The workspace has as many of these as it may have.",
        "A bound of the platform.",
        "Delete one that is not needed; see the limits.",
    ),
    "too_large": ErrorCode(
        "Something is over its bound of size.",
        "A body, a definition, a file or a content is too large.",
        "Make it smaller, split it, or keep it as a file; see the limits.",
    ),
    "too_many_requests": ErrorCode(
        "There were too many requests.",
        "A rate was exceeded: sign-ins, or deliveries of a webhook.",
        "Wait as long as `retry-after` says; raise `rate_per_minute` of the webhook.",
    ),
    "unavailable": ErrorCode(
        "A service that the platform needs did not answer.",
        "AWS is in trouble or throttles.",
        "Try again; nothing was lost.",
    ),
    "internal_error": ErrorCode(
        "Something went wrong on the side of the platform.",
        "A fault in the platform, in a node type or in an integration type.",
        "Look at the log of the function; report it.",
    ),
    "error": ErrorCode(
        "An error without a code of its own.",
        "A fault of the platform.",
        "Report it.",
    ),
    "idempotency_mismatch": ErrorCode(
        "The `Idempotency-Key` was used for another request.",
        "The same key came with another workflow or input.",
        "Use a new key for each request.",
    ),
    "already_answered": ErrorCode(
        "The node has been answered before.",
        "The first answer counts.",
        "Look at the execution for the answer that stands.",
    ),
    "already_finished": ErrorCode(
        "The execution has ended.",
        "It ended before the request came.",
        "Look at its status; a fork (`retry`) continues from a point.",
    ),
    "not_waiting": ErrorCode(
        "The node does not wait for an answer.",
        "It has not begun, its attempt is over, or it has another path.",
        "Look at the execution for nodes that wait, and their paths.",
    ),
    "too_late": ErrorCode(
        "The time to answer is over.",
        "`timeout_seconds` of the node has passed.",
        "Follow the `timeout` port; fork the execution to ask again.",
    ),
    "not_finished": ErrorCode(
        "It has not ended yet.",
        "The execution still runs, or the delivery is still tried.",
        "Wait until it has ended, or cancel it.",
    ),
    "nothing_failed": ErrorCode(
        "Nothing in the execution has failed.",
        "A fork from `failed` needs a node that failed.",
        "Name the node to begin with in `from`.",
    ),
    "version_mismatch": ErrorCode(
        "The versions do not fit.",
        "The other version changed what the point depends on.",
        "Begin further back, or use `version: same`.",
    ),
    "nothing_captured": ErrorCode(
        "The trigger has started nothing that could be repeated.",
        "It has not fired yet.",
        "Use a sample, or let it fire once.",
    ),
    "disabled": ErrorCode(
        "The subscription is disabled.",
        "Its receiver took nothing for three days or answered 410, or a user disabled it.",
        "Enable it first.",
    ),
    "not_verified": ErrorCode(
        "The delivery of a webhook could not be verified.",
        "The signature is wrong or too old, or another secret is set.",
        "Set the sender's secret at the trigger; check the clock of the sender.",
    ),
    "execution_failed": ErrorCode(
        "The execution that was to answer the webhook did not succeed.",
        "A node failed, or it was canceled.",
        "Look at the execution that the header names.",
    ),
    "result_too_large": ErrorCode(
        "The result is too large to answer a webhook with.",
        "It is over the bound of Lambda.",
        "Answer with less by a `respond` node, or get the result from the API.",
    ),
    "unknown_workflow": ErrorCode(
        "No workflow has this name or id, or several have.",
        "A definition names a workflow that is not there.",
        "Create it first, or name it by its id.",
    ),
    "invalid_definition": ErrorCode(
        "The definition cannot be saved.",
        "It has problems.",
        "Correct all problems in `details`; `mainspring validate` shows them.",
    ),
}
