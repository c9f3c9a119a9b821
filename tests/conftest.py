"""What all tests share: AWS's SDK is told of a region and of credentials that open nothing."""

from __future__ import annotations

import os

os.environ.update(
    {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }
)
