"""Every bound of the platform in one place: sizes in bytes, times in seconds, counts as they are."""

from __future__ import annotations

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_JSON_DEPTH = 64

MAX_DEFINITION_BYTES = 256 * 1024
MAX_NODES = 2_000
MAX_EDGES = 10_000
MAX_CONFIG_DEPTH = 32
MAX_NAME_LENGTH = 200
MAX_WORKFLOWS = 1_000
MAX_WORKSPACES = 40
"""Of one user: all are read at once."""
MAX_MEMBERS = 500
MAX_INVITATIONS = 100
MAX_ROLES = 20
"""Of a workspace's own."""
MAX_KEYS = 200
MAX_SERVICE_ACCOUNTS = 50
MAX_KEY_WORKFLOWS = 50
"""That one key is for: the authorizer passes them on with each call."""
MAX_KEY_DAYS = 366
MAX_GRACE_HOURS = 7 * 24
"""How long a key's old secret may be good after its rotation."""
MAX_VERSIONS = 999_999
MAX_LABELS = 20
MAX_UI_BYTES = 128 * 1024
"""Of where the editor draws the nodes of a workflow, and of the notes beside them."""
MAX_DRAFT_BYTES = 512 * 1024
MAX_DRAFTS_DELETED = 80
"""In the transaction that deletes their workflow, which may have 100 entries."""

MAX_INPUT_BYTES = 1024 * 1024
MAX_OUTPUT_BYTES = 10 * 1024 * 1024

MAX_EXPRESSION_LENGTH = 8_192
MAX_PATH_STEPS = 200
"""Names, one behind the other, of one path in an expression."""
MAX_EXPRESSION_MILLISECONDS = 300
"""Of the evaluating thread's own processor time, so that none fails because the machine was busy."""
MAX_EXPRESSION_DEPTH = 120
MAX_RENDER_SECONDS = 2.0
"""All expressions of one node together."""
SLOW_EXPRESSION = 0.05
"""One that took longer may be over its bound the next time, so its outcome is recorded."""
SLOW_RENDER = 0.25
"""The same for all expressions of one node together."""
MAX_PROBLEMS = 200
MAX_ERROR_LENGTH = 4_000
MAX_ERROR_DETAILS = 16 * 1024
MAX_BRIEF_ERROR = 300
"""Characters of an error's message in a list of executions."""
MAX_TEXT_LENGTH = 4 * 1024 * 1024
MAX_RANGE_ITEMS = 100_000
MAX_PREVIEW_BYTES = 256 * 1024
"""Of the value of an expression that is shown while it is written."""

MAX_NODE_TIMEOUT = 240.0
DEFAULT_NODE_TIMEOUT = 30.0
MAX_DELAY = 366 * 24 * 3600
MAX_RETRY_AFTER = 24 * 3600.0

INLINE_WAIT = 5.0
"""A wait up to this long is slept inside the invocation. At list prices a Sleep, the Advance after it and
their Choice cost as much as eleven seconds of a 512 MB function; under that it is also the quicker way."""

INVOCATION_RESERVE = 15.0
"""An invocation starts nothing that may not end this long before its own time is over."""

FIRST_RESERVE = 5.0
"""The first node of an invocation only has to end this long before: what comes next is for another invocation."""
MAX_STALLED_INVOCATIONS = 10
"""So many invocations in a row may get nothing done; then the execution is closed as failed."""

MAX_PARALLEL_NODES = 50
NODE_THREADS = 64
"""For blocking calls of nodes: one for each that runs, and some for those that were given up."""
CONVERSATION_BYTES = 32 * 1024 * 1024
"""What a database may send for one statement. Its rows are bounded as JSON; this is for one that sends for ever."""
MAIL_CONVERSATION_BYTES = 256 * 1024
PLATFORM_THREADS = 16
"""Of each pool for what the platform does for nodes meanwhile: their secrets, and telling what they ask for."""
MAX_CONNECTIONS = 128
"""To one AWS service from one function: as many as all of its threads may use at the same time."""
LEFT_RUNNING_SECONDS = 2.0
"""How long a call that its node has given up may take to end after the invocation; then the process is given up."""

MAX_BODY_DEPTH = 5
"""Loops in loops."""
MAX_ITERATIONS = 10_000
"""Invocations of a `while`, whose results are kept."""
MAX_ITEMS = 100_000
MAX_LOOP_CONCURRENCY = 1_000
LOOP_CONCURRENCY = 10
INLINE_ITEMS = 200
"""A `for_each` over more than this is spread over drivers of its own."""
BATCH_ITEMS = 100
"""So many items of a distributed loop share one partition of the history."""
MAP_WORKER_CONCURRENCY = 10
"""So many items one driver of a distributed loop works on at the same time."""
MAX_STALLED_MAP_ATTEMPTS = 50
"""So often what is left of a distributed loop is taken up again without a batch of it being done in between."""

MAX_JOINS = 10
"""So often it is tried to make one list of what a distributed loop gave."""
SHOWN_NODES = 1_000
"""Of an execution, in one answer."""

MAX_CONCURRENCY_LIMIT = 1_000
MAX_CALL_DEPTH = 10
"""Executions that start executions: this deep."""

MAX_SHOWN_ITERATIONS = 500
"""Invocations of loops whose nodes an answer tells one by one."""

MAX_NEEDED_APPROVALS = 20
"""People of whom one approval may need an answer."""
MAX_SHARED_ANSWER_BYTES = 16 * 1024
"""Of one of several answers to an approval, which are kept together in one item."""
MAX_REMINDERS = 10
"""Reminders of one approval."""
MAX_SIGNAL_BYTES = 256 * 1024
DEFAULT_SIGNAL_SECONDS = 30 * 24 * 3600.0
"""How long an approval or a callback is waited for where the definition does not say."""

CONTINUE_AS_NEW_AFTER = 250
"""Invocations in one execution of the state machine, whose history has 25,000 events at most."""
EVENTS_OF_INVOCATION = 75
"""In that history: Advance, Next? and a SuspendOnSignal state that is tried sixteen times."""
EVENTS_OF_RETRY = 3
"""In that history; retries of Advance make its invocation count for more."""
MAX_RECOVERY_ATTEMPTS = 5
"""So often an execution is driven again without having got on in between; then it is closed as failed."""
RECOVERY_PAUSES = (60, 300, 900, 1_800, 3_600)
"""Seconds after which the next driver begins where one has tried for some minutes and given up."""

START_GRACE = 60.0
"""Seconds after which somebody looks whether a new execution is being driven."""
AHEAD_SECONDS = 50.0
"""How long an execution may run without a state machine: less than START_GRACE, after which it gets another driver."""
CHECK_GRACE = 15.0
"""Seconds after the time at which a waiting execution should have gone on."""
CHECK_AGAIN = 60.0
"""Seconds until the next look at an execution that is in good hands; then twice as many, up to the longest."""
CHECK_LONGEST = 3_600.0
CHECK_SHARDS = 8
RECOVERY_READ = 500
"""Keys of what is due that recovery reads of one shard before it decides whose turn it is."""
RECOVERY_THREADS = 8
"""So many things it looks at at the same time. Step Functions answers some 10 DescribeExecution a second for long, and
300 at once; most looks at executions need one."""
LEASE_LENGTH = 600.0
"""Seconds for which a concurrency slot is held before its holder is looked at."""

LOADED_BYTES = 16 * 1024 * 1024
"""Of large outputs, as they are stored, that a driver keeps at hand because they may be read once more."""
INLINE_PAYLOAD_BYTES = 8 * 1024
"""Up to here a payload lives in its DynamoDB item. Writing 8 KB there costs what one S3 PUT costs."""

PAGE_SIZE = 50
MAX_PAGE_SIZE = 100

MAX_TRIGGERS = 20
"""In one workflow."""
MAX_TRIGGERS_BYTES = 16 * 1024
"""Of a workflow's triggers as JSON. They are copied into its record, which each firing reads."""
MAX_EXPECTED_SECONDS = 366 * 24 * 3600
MAX_BACKFILL = 100
"""Missed times of a schedule that one call starts."""
SCHEDULE_TIMES = 10
"""Coming times of a schedule that are shown."""
SILENT_GRACE = 180.0
"""Seconds after which a time of a schedule that has not fired counts as missed."""
RECENT_OUTCOMES = 20
"""So many of its last executions a trigger remembers."""

LAMBDA_BYTES = 6 * 1024 * 1024
"""Of what a function is called with, or answers, as JSON: text is escaped in it, and bytes are base64."""
LAMBDA_SPARE_BYTES = 64 * 1024
"""Of that, for all but the body: headers, of which API Gateway takes 10 KB, and what it says of the request."""
MAX_HOOK_BYTES = 4 * 1024 * 1024
"""Of a delivery to a webhook. As base64 that is 5.6 MB; text, escaped, has to fit into LAMBDA_BYTES, too."""
MAX_HOOK_PARTS = 200
"""Fields of a form, or parts of a multipart body."""
MAX_HOOK_HEADER_BYTES = 16 * 1024
HOOK_RATE = 600
"""Deliveries a minute that a webhook takes where its config does not say."""
MAX_HOOK_RATE = 30_000
"""Each delivery is a write to one item, of which DynamoDB takes a thousand a second."""
ANSWER_SECONDS = 22.0
"""How long a webhook's caller is kept waiting for an answer. API Gateway gives up after 30, and counts the start of a
function that was not running as well, which the function's own clock does not."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of a webhook's answer, which is base64 in what the function gives back."""
IDEMPOTENCY_SECONDS = 24 * 3600
"""How long an Idempotency-Key is remembered."""
DELIVERY_SECONDS = 7 * 24 * 3600
"""How long the id of a delivery or an event is remembered. Stripe repeats for 3 days, Shopify for 2."""

MAX_PATTERN_BYTES = 1_900
"""Of an event pattern. EventBridge takes 2,048 bytes of a rule's."""
MAX_PATTERN_ENTRIES = 100
MAX_PATTERN_COMBINATIONS = 100
"""Of the branches of a pattern's `$or`; EventBridge takes 1,000. Each is compared with each event."""
MAX_KNOWN_LISTENERS_BYTES = 4 * 1024 * 1024
"""Of the patterns of workspaces' triggers that a process remembers, as JSON; made ready they are ten times that."""
MAX_EVENT_BYTES = 200 * 1024
"""Of an event's data. EventBridge takes 256 KB with all around it."""
MAX_EVENT_RESULT_BYTES = 64 * 1024
"""A result over this is left out of the event that tells of the end of its execution."""

MAX_SUBSCRIPTIONS = 50
"""Of one workspace."""
OUTGOING_BACKOFF = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
"""Seconds between the attempts of an outgoing webhook: eleven of them in a day."""
OUTGOING_TIMEOUT = 15.0
SEND_MOST = 2_000
"""Outgoing webhooks that one run of recovery sends."""
OUTGOING_PAUSE_AFTER = 5
"""Attempts that failed one after the other until a subscription is left alone for a while."""
OUTGOING_PAUSE = 60.0
"""Seconds of the first pause; each that follows without success is twice as long, up to the longest."""
OUTGOING_PAUSE_LONGEST = 600.0
MAIL_SECONDS = 40.0
"""Of one attempt to send a mail to people; its lease is longer."""
SEND_TOGETHER = 20
"""So many of them one call sends, all at the same time."""
OUTGOING_LEASE = 60.0
"""Seconds after which an attempt that was begun counts as lost."""
OUTGOING_ANSWER_CHARACTERS = 500
"""Of a receiver's answer that the delivery log keeps."""
OUTGOING_DISABLED_AFTER = 3 * 24 * 3600
"""Seconds for which nothing has been taken until a subscription is disabled."""
OUTGOING_KEPT_DAYS = 30
OUTGOING_ATTEMPTS = 50
"""So many of a delivery's last attempts are kept, however often it is asked for anew."""
SECRET_OVERLAP = 24 * 3600
"""Seconds for which what is sent is signed with the secret of before, too."""

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Of a file that a node reads or writes. It is on the function's disk meanwhile, which has room for all that run."""
MAX_ROW_BYTES = 64 * 1024
"""Of the value of a row of a data table, as JSON."""
MAX_ROW_KEY_BYTES = 900
"""Of the key of a row of a data table. DynamoDB takes 1,024 with what stands before it."""
FAR = 1e15
"""A time, in seconds since 1970, that does not come."""
MAX_TABLE_ROWS = 100_000
"""Rows of a CSV file or a spreadsheet that one node reads; its output is bounded besides."""
MAX_QUERY_ROWS = 10_000
MAX_UNPACKED_BYTES = 128 * 1024 * 1024
"""Of all that a ZIP file, or a file that is one inside, may unpack to."""
MAX_ZIP_ENTRIES = 1_000
MAX_XML_BYTES = 10 * 1024 * 1024
MAX_VALUE_BYTES = 192 * 1024 * 1024
"""Of memory that a value takes which is read from JSON, XML, a table or a page. It is counted while it is read."""
MAX_CELLS = 2_000_000
"""Of one sheet of a workbook, counting those that are empty."""
PARSING_PROCESSES = 2
"""So many processes of one function read content at a time."""
MAX_PARSING_BYTES = 256 * 1024 * 1024
"""Of memory that such a process may take besides what it begins with. Advance has 1,024 MB."""
MAX_PARSING_SECONDS = 60
"""Of processor time that such a process may take; a node's timeout ends it earlier."""

MAX_INTEGRATIONS = 200
"""Of one workspace."""
MAX_INTEGRATION_BYTES = 16 * 1024
"""Of what is shown of an integration's config, as JSON."""
TOKEN_SPARE = 120.0
"""Seconds before its end at which an OAuth 2 token is renewed."""
TOKEN_RENEWAL = 30.0
"""Seconds after which one who began to renew a token counts as dead."""
CONNECT_SECONDS = 15 * 60
"""How long somebody may take in the browser to agree to a connection."""
