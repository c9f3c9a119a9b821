/**
 * The API's client. `api` knows every route by its OpenAPI document; `request` is for what an address is made of at
 * run time. Both carry the session's token, wait for a new sign-in where it has ended, and throw `ApiError`.
 *
 *     const page = await unwrap(api.GET('/api/workflows', { params: { query: { limit: 50 } } }));
 */
import createClient from 'openapi-fetch';
import { apiBase } from '@/app/base';
import { authorizedFetch } from '@/app/session';
import { ApiError, apiError } from './errors';
import type { paths } from './schema';

export { ApiError, type ErrorDetail } from './errors';

export const api = createClient<paths>({
  baseUrl: `${location.origin}${apiBase}`,
  fetch: authorizedFetch,
});

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer. Throws `ApiError` where the API refused. */
export async function unwrap<T>(call: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw apiError(response, error);
  return data as T;
}

/** As `unwrap`, with the ETag that `If-Match` wants with the next change. */
export async function unwrapTagged<T>(call: Promise<Answered<T>>): Promise<{ data: T; etag: string | null }> {
  const answered = await call;
  if (!answered.response.ok) throw apiError(answered.response, answered.error);
  return { data: answered.data as T, etag: answered.response.headers.get('etag') };
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Call a route by its path, such as `request<Run>('GET', '/api/executions/' + id)`. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  return (await requestTagged<T>(method, path, options)).data;
}

/** As `request`, with the answer's ETag. */
export async function requestTagged<T>(
  method: string,
  path: string,
  { query = {}, body, headers = {}, signal }: RequestOptions = {},
): Promise<{ data: T; etag: string | null; status: number }> {
  const url = new URL(`${location.origin}${apiBase}${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  const answer = await authorizedFetch(
    new Request(url, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }),
  );
  const text = await answer.text();
  const content: unknown = text && isJson(answer) ? JSON.parse(text) : text;
  if (!answer.ok && answer.status !== 304) throw apiError(answer, content);
  return { data: content as T, etag: answer.headers.get('etag'), status: answer.status };
}

interface Seen {
  etag: string;
  data: unknown;
}

const MOST_SEEN = 24;
const seen = new Map<string, Seen>();

/**
 * As `request` to read what is asked for again and again: where the answer has not changed, the server does not send it
 * again, and the same object is given. Do not change it.
 */
export async function poll<T>(path: string, { query = {} }: Pick<RequestOptions, 'query'> = {}): Promise<T> {
  const key = JSON.stringify([path, query]);
  const before = seen.get(key);
  const { data, etag, status } = await requestTagged<T>('GET', path, { query, headers: before ? { 'if-none-match': before.etag } : {} });
  if (status === 304 && before) return before.data as T;
  seen.delete(key); // what is asked for now is forgotten last
  if (etag !== null) seen.set(key, { etag, data });
  for (const oldest of [...seen.keys()].slice(0, -MOST_SEEN)) seen.delete(oldest);
  return data;
}

function isJson(answer: Response): boolean {
  return answer.headers.get('content-type')?.includes('json') ?? false;
}

/** Whether a call failed since the thing is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
