/** The calls about files. Their bytes go to the store and come from it without passing the API. */
import { request } from '@/api/client';

export interface FileItem {
  name: string;
  bytes: number;
  modified_at: string;
}

export interface Folder {
  items: FileItem[];
  folders: string[];
  next_cursor: string | null;
}

interface Upload {
  url: string;
  method: string;
  headers: Record<string, string>;
}

export const MOST_BYTES = 64 * 1024 * 1024;

export const calls = {
  list: (prefix: string, cursor: string | undefined) =>
    request<Folder>('GET', '/api/files', { query: { prefix: prefix || undefined, folders: true, limit: 100, cursor } }),
  download: (name: string) => request<{ url: string }>('POST', '/api/files/download', { body: { name } }),
  remove: (name: string) => request<unknown>('DELETE', '/api/files', { query: { name } }),
};

/** Put a file into the store. */
export async function upload(name: string, file: File): Promise<void> {
  const place = await request<Upload>('POST', '/api/files/upload', {
    body: { name, bytes: file.size, ...(file.type ? { content_type: file.type } : {}) },
  });
  const answer = await fetch(place.url, { method: place.method, headers: place.headers, body: file });
  if (!answer.ok) throw new Error(`the store answered ${answer.status}`);
}
