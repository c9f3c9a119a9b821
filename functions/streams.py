"""What functions that read the stream of a table answer."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any


def failures(event: dict[str, Any], partitions: AbstractSet[str]) -> dict[str, Any]:
    """Has the records of these partitions delivered again, and whatever comes behind the first of them.

    The shape is that of https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html.
    """
    again = [
        record["dynamodb"]["SequenceNumber"]
        for record in event["Records"]
        if record["dynamodb"]["Keys"]["PK"]["S"] in partitions
    ]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in again[:1]]}
