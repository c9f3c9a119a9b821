/** What the API says when it refuses, in its one shape. */

export interface ErrorDetail {
  path: string;
  code: string;
  message: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** For invalid input each field's problem; for other errors what the route says of it. */
    readonly details: unknown = null,
  ) {
    super(message);
  }

  /** The problems by field; those without one are under ''. */
  get fields(): Record<string, string> {
    if (!Array.isArray(this.details)) return {};
    return Object.fromEntries((this.details as ErrorDetail[]).map(({ path, message }) => [path, message]));
  }
}

/** The error of an answer that is not ok, whatever its body is: a proxy between may have answered. */
export function apiError(response: Response, body: unknown): ApiError {
  const error = (body as { error?: { code?: string; message?: string; details?: unknown } } | null | undefined)?.error;
  const code = error?.code ?? `http_${response.status}`;
  return new ApiError(response.status, code, error?.message ?? `the server answered ${response.status}`, error?.details);
}

/** What is said of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
