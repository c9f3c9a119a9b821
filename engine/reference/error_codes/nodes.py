"""What a node can fail with; it decides about retries, the `error` port, and `on` of `retry`."""

from __future__ import annotations

from engine.reference.error_codes.base import ErrorCode

CODES: dict[str, ErrorCode] = {
    "pinned": ErrorCode(
        "The node did not run: a test run has it fail.",
        "It was pinned by its port `error`, and the pin names no `code`.",
        "Nothing; remove the pin to run the node.",
    ),
    "node_failed": ErrorCode(
        "The node could not do its work.",
        "The node type says no more.",
        "Read the message and the log of the execution.",
    ),
    "config": ErrorCode(
        "The config does not work with the values of this execution.",
        "A template gave a value of a wrong type or out of bounds.",
        "Correct the template, or the data that it reads.",
    ),
    "expression": ErrorCode(
        "A template could not be evaluated.",
        "A missing value, a wrong type, or a bound on time.",
        "Correct it; `?? default` gives a value for what is missing.",
    ),
    "failed_by_workflow": ErrorCode(
        "A `fail` node ended the execution.",
        "The workflow says so.",
        "Read its message.",
    ),
    "timeout": ErrorCode(
        "The attempt, or the other side, took too long.",
        "A slow server, or a large work.",
        "Raise `timeout_seconds`, or ask for less.",
    ),
    "interrupted": ErrorCode(
        "The attempt was cut off, and may have had its effect.",
        "A crash, or its timeout, with `at_most_once`.",
        "Check the other side; fork the execution if nothing happened.",
    ),
    "cancelled": ErrorCode(
        "It was canceled.",
        "A user canceled the execution, or something in the node was canceled.",
        "Fork the execution to continue.",
    ),
    "no_thread": ErrorCode(
        "No thread was free for the attempt.",
        "Too many blocking nodes ran at once.",
        "It is tried again; lower the `concurrency` of loops.",
    ),
    "no_space": ErrorCode(
        "The disk of the function is full.",
        "Other nodes keep large files at the same time.",
        "It is tried again; use smaller files or less concurrency.",
    ),
    "busy": ErrorCode(
        "Others change the same thing at once.",
        "Many attempts want one row or one token.",
        "It is tried again; use more rows, or a concurrency limit.",
    ),
    "output_too_large": ErrorCode(
        "The output is over its bound.",
        "The node returned too much.",
        "Ask for less, or keep it as a file with `save_as`.",
    ),
    "output_too_deep": ErrorCode(
        "The output is nested too deep.",
        "A structure with very many levels.",
        "Return a flatter structure.",
    ),
    "output_not_json": ErrorCode(
        "The output is not JSON.",
        "A node type returned something that JSON has not.",
        "Correct the node type.",
    ),
    "response_too_large": ErrorCode(
        "The other side sent too much.",
        "A response over the bound.",
        "Keep it with `save_as`, or ask for less.",
    ),
    "bad_content": ErrorCode(
        "The content cannot be read or written in this format.",
        "It is damaged, of another format, or in another encoding.",
        "Check the file and `encoding`; the message says where.",
    ),
    "bad_response": ErrorCode(
        "The other side's response is not what it should be.",
        "Another service is at this address, or it is broken.",
        "Check the address of the integration, and the service.",
    ),
    "connection_failed": ErrorCode(
        "No connection, or it was lost.",
        "The server is down, or host, port or TLS are wrong.",
        "Check the address; a `retry` helps when it passes.",
    ),
    "egress_refused": ErrorCode(
        "The address may not be reached.",
        "It is in a private network, or its name leads there.",
        "Use a public address, or deploy with `allowed_networks`.",
    ),
    "http_status": ErrorCode(
        "The HTTP response has a status that is not accepted.",
        "The server refused or failed.",
        "Read `details.body`; accept more with `accept_statuses`.",
    ),
    "too_many_redirects": ErrorCode(
        "There were too many redirects.",
        "The server redirects in a circle.",
        "Use the final address.",
    ),
    "credentials_elsewhere": ErrorCode(
        "The integration's secrets are not for that host.",
        "The URL is not among the integration's `hosts`.",
        "Add the host to the integration, or use another one.",
    ),
    "credentials_refused": ErrorCode(
        "The server refused the credentials.",
        "User, password or token is wrong.",
        "Change the integration, then try it with `test`.",
    ),
    "token_refused": ErrorCode(
        "The server did not accept the OAuth 2 token.",
        "It was revoked early.",
        "It is renewed, so a `retry` helps.",
    ),
    "token_request_failed": ErrorCode(
        "The authorization server gave no token.",
        "It is down, or client id, secret or scope are wrong.",
        "Read the message; change the integration.",
    ),
    "invalid_grant": ErrorCode(
        "The authorization server no longer accepts the grant.",
        "The account was disconnected, or the refresh token expired.",
        "Connect the account again.",
    ),
    "not_connected": ErrorCode(
        "The integration is not connected to an account.",
        "Nobody has consented yet, or the consent was lost.",
        "Connect it with `POST /api/integrations/{id}/consent`.",
    ),
    "no_integration": ErrorCode(
        "There is no such integration.",
        "It was deleted, renamed, or never created.",
        "Create it under this name, or change the node.",
    ),
    "not_testable": ErrorCode(
        "This integration cannot be tried by itself.",
        "Its type has no harmless action.",
        "Try it in a workflow.",
    ),
    "not_granted": ErrorCode(
        "AWS does not allow the nodes of this workspace to do this.",
        "The deployer has not named the resource.",
        "Deploy with the resource in `resources`; see `mainspring up --resource`.",
    ),
    "aws_*": ErrorCode(
        "A service of AWS refused the call; the code of AWS follows.",
        "The resource is missing or in another state, or the request does not fit it.",
        "Read the message of AWS; correct the config or the resource.",
    ),
    "slack_*": ErrorCode(
        "Slack refused the call; the code of Slack follows.",
        "The channel, the token or the message is not accepted.",
        "Look up the code in Slack's documentation; correct the channel, the scopes of the token, or the message.",
    ),
    "telegram_refused": ErrorCode(
        "Telegram refused the call.",
        "The chat or the text is not accepted.",
        "Read the message; check `chat_id` and `parse_mode`.",
    ),
    "mail_refused": ErrorCode(
        "The mail server refused the mail.",
        "An address or the content is not accepted.",
        "Read the server's answer; check sender and recipients.",
    ),
    "mail_too_large": ErrorCode(
        "The mail is too large.",
        "Its attachments are over the bound.",
        "Send links to files instead.",
    ),
    "query_failed": ErrorCode(
        "The database refused the statement.",
        "A mistake in SQL, or a constraint.",
        "Read the message; correct the statement or its `params`.",
    ),
    "read_only": ErrorCode(
        "The statement would change something, and `read_only` is set.",
        "The node or the server allows only reading.",
        "Remove `read_only` if a change is intended.",
    ),
    "too_many_rows": ErrorCode(
        "There are more rows than allowed.",
        "`max_rows`, or the bound for files.",
        "Raise `max_rows`, or read less.",
    ),
    "no_file": ErrorCode(
        "There is no such file.",
        "It was deleted, has another name, or belongs to another execution.",
        "List the files of the workspace.",
    ),
    "not_a_file": ErrorCode(
        "The path is no file.",
        "It is a folder or a link.",
        "Use the path of a file.",
    ),
    "file_exists": ErrorCode(
        "There is a file of this name already.",
        "`if_exists` refuses to replace it.",
        "Use another name, or allow replacing.",
    ),
    "file_too_large": ErrorCode(
        "The file is over its bound.",
        "See the limits.",
        "Use a smaller file, or split it.",
    ),
    "no_sheet": ErrorCode(
        "The workbook has no such sheet, or it has no cells.",
        "Another name, or a chart.",
        "Use a name of `details` or of the message.",
    ),
    "no_entry": ErrorCode(
        "The archive has no such entry.",
        "Another name.",
        "List the archive first.",
    ),
    "too_many_matches": ErrorCode(
        "A selector matches too many elements.",
        "It is too general.",
        "Use a narrower selector.",
    ),
    "not_a_number": ErrorCode(
        "The row holds no number to increment.",
        "Something else was put under this key.",
        "Use another key, or put a number.",
    ),
    "function_failed": ErrorCode(
        "The Lambda function that was invoked failed.",
        "It raised an error.",
        "Read `details`, and the log of that function.",
    ),
    "code_failed": ErrorCode(
        "The code raised an error.",
        "A mistake in the code, or unexpected data.",
        "The message names the line; correct it there.",
    ),
    "code_crashed": ErrorCode(
        "The code ended its interpreter.",
        "It ended the process or broke its memory.",
        "Simplify the code.",
    ),
    "memory": ErrorCode(
        "The code needs more memory than it may have.",
        "Large data in the code.",
        "Raise `memory_mb`, or handle less at once.",
    ),
    "sandbox_unavailable": ErrorCode(
        "The sandbox could not run the code.",
        "It is starting, or cannot run on this machine.",
        "It is tried again; see the log of the function `sandbox`.",
    ),
    "answer_cut_off": ErrorCode(
        "The answer of the model was cut off.",
        "`max_tokens` was reached.",
        "Raise `max_tokens`, or ask for less.",
    ),
    "answer_filtered": ErrorCode(
        "The model's endpoint filtered the answer.",
        "Its rules on content.",
        "Change the prompt, or use another model.",
    ),
    "answer_does_not_fit": ErrorCode(
        "The answer of the model does not fit the schema.",
        "It was corrected as often as allowed.",
        "Simplify the schema, or use another model.",
    ),
    "too_many_rounds": ErrorCode(
        "The model called tools and never answered.",
        "`max_rounds` was reached.",
        "Raise `max_rounds`, or give clearer instructions.",
    ),
    "no_tool": ErrorCode(
        "The model called a tool that there is not.",
        "Told to the model only.",
        "Nothing; describe the tools better if it happens often.",
    ),
    "no_fit": ErrorCode(
        "The model called a tool with input that does not fit.",
        "Told to the model only.",
        "Nothing; describe the input better if it happens often.",
    ),
    "tool_failed": ErrorCode(
        "The workflow that the model called did not succeed.",
        "A node in it failed.",
        "Look at that execution, named in `details`.",
    ),
    "child_failed": ErrorCode(
        "The sub-workflow did not succeed.",
        "A node in it failed.",
        "Look at that execution, named in `details`.",
    ),
    "item_failed": ErrorCode(
        "An item of the loop failed.",
        "A node in its body failed.",
        "Look at the item; `on_item_error: collect` keeps the others.",
    ),
    "stopped": ErrorCode(
        "The item was stopped, as another one failed.",
        "`on_item_error` is `fail`.",
        "Correct the item that failed, or collect failures.",
    ),
    "max_iterations": ErrorCode(
        "The condition of a `while` still holds after `max_iterations`.",
        "What it waits for did not come.",
        "Raise `max_iterations`, or change the condition.",
    ),
    "not_mocked": ErrorCode(
        "A test case ran a node that reaches outside without a mock.",
        "`nodes` of the case does not name it.",
        "Add the node to `nodes` of the case.",
    ),
}
