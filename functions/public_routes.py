"""Which routes answer without a signed-in caller: exactly these, and everything else is refused without one.

They are API Gateway's own route keys, so no trick with a path can make another route look like one of them.
"""

from __future__ import annotations

PUBLIC_ROUTES = frozenset(
    {
        "POST /api/auth/register",
        "POST /api/auth/login",
        "POST /api/auth/refresh",
        "POST /api/auth/password/reset",
        "GET /api/invitations/{token}",
        "GET /api/approvals/links/{token}",
        "POST /api/approvals/links/{token}",
        "GET /api/health",
        "GET /api/openapi.json",
        "POST /api/callbacks/{execution_id}/{token}",
        "GET /api/oauth/callback",
        "GET /api/oauth/go",
        "GET /api/oauth/start",
        "GET /api/answers/{execution_id}/{token}",
        "ANY /hooks/{token}",
        "ANY /hooks/{token}/{path+}",
    }
)
