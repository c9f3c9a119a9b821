/** The files that workflows keep and read: looked through by folders, taken out, brought in, deleted. */
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { Download, File as FileIcon, Folder, FolderOpen, Trash2, Upload } from 'lucide-react';
import { useRef, useState } from 'react';
import { t } from '@/app/i18n';
import { formatNumber } from '@/app/i18n/format';
import { Button, confirm, cx, EmptyState, ErrorState, IconButton, Page, Skeleton, Table, Time, toast, toastError, type Column } from '@/ui';
import { calls, MOST_BYTES, upload, type FileItem } from './api';
import { crumbsOf, sizeParts } from './names';

type Row = { folder: string } | FileItem;

export default function FilesScreen() {
  const { in: asked }: { in?: string | number } = useSearch({ strict: false });
  const prefix = asked === undefined ? '' : String(asked);
  const [isOver, setOver] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ['files', prefix],
    queryFn: ({ pageParam }) => calls.list(prefix, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const send = useUpload(prefix);
  const pages = list.data?.pages ?? [];
  const folders = [...new Set(pages.flatMap((page) => page.folders))];
  const rows: Row[] = [...folders.map((folder) => ({ folder })), ...pages.flatMap((page) => page.items)];
  return (
    <Page title={t('Files')} actions={rows.length > 0 && <UploadButton isSending={send.isPending} onFiles={send.mutate} />}>
      <div
        className={cx('flex flex-col gap-4 rounded-lg', isOver && 'outline-2 outline-offset-8 outline-accent outline-dashed')}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          send.mutate([...event.dataTransfer.files]);
        }}
      >
        {prefix && <Crumbs prefix={prefix} />}
        {list.isPending && <Skeleton lines={5} />}
        {list.error && !list.data && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
        {list.isSuccess && rows.length === 0 && (
          <EmptyState
            icon={FolderOpen}
            title={prefix ? t('This folder is empty') : t('No files yet')}
            text={t('Workflows keep files here: reports, uploads, attachments. Drop some here, or choose them.')}
            action={<UploadButton isSending={send.isPending} onFiles={send.mutate} />}
          />
        )}
        {rows.length > 0 && <FileTable rows={rows} prefix={prefix} />}
        {list.hasNextPage && (
          <Button className="self-center" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t('Show more')}
          </Button>
        )}
      </div>
    </Page>
  );
}

function useUpload(prefix: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (files: File[]) => {
      for (const file of files) {
        if (file.size > MOST_BYTES) throw new Error(t('{name} is larger than {n} MB.', { name: file.name, n: MOST_BYTES / 1024 / 1024 }));
        await upload(prefix + file.name, file);
      }
      return files.length;
    },
    onSuccess: (n) => toast(t('{n, plural, one {# file is there} other {# files are there}}', { n }), { tone: 'ok' }),
    onError: (error) => toastError(t('The file could not be uploaded'), error),
    onSettled: () => client.invalidateQueries({ queryKey: ['files'] }),
  });
}

function UploadButton({ isSending, onFiles }: { isSending: boolean; onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('Files to upload')}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
      <Button needs="edit" icon={Upload} variant="primary" loading={isSending} onClick={() => input.current?.click()}>
        {t('Upload')}
      </Button>
    </>
  );
}

function Crumbs({ prefix }: { prefix: string }) {
  const crumbs = crumbsOf(prefix);
  return (
    <nav aria-label={t('Folders')} className="flex flex-wrap items-center gap-1.5">
      <Link to="/files" search={{}} className="text-accent underline">
        {t('All files')}
      </Link>
      {crumbs.map((crumb, index) => (
        <span key={crumb.prefix} className="flex items-center gap-1.5">
          <span aria-hidden className="text-muted">
            /
          </span>
          {index === crumbs.length - 1 ? (
            <span aria-current="page" className="font-medium">
              {crumb.name}
            </span>
          ) : (
            <Link to="/files" search={{ in: crumb.prefix }} className="text-accent underline">
              {crumb.name}
            </Link>
          )}
        </span>
      ))}
    </nav>
  );
}

async function take(name: string): Promise<void> {
  try {
    const { url } = await calls.download(name);
    const link = document.createElement('a');
    link.href = url;
    link.download = name.split('/').pop() ?? name;
    link.rel = 'noopener';
    link.click();
  } catch (error) {
    toastError(t('The file could not be read'), error);
  }
}

function size(bytes: number): string {
  const { value, unit } = sizeParts(bytes);
  return formatNumber(value, { style: 'unit', unit, unitDisplay: unit === 'byte' ? 'long' : 'short', maximumFractionDigits: 1 });
}

function FileTable({ rows, prefix }: { rows: readonly Row[]; prefix: string }) {
  const client = useQueryClient();
  const remove = async (name: string) => {
    const yes = await confirm({ title: t('Delete {name}?', { name }), text: t('Workflows that read it fail from now on.'), action: t('Delete'), danger: true });
    if (!yes) return;
    await calls.remove(name).catch((error: unknown) => toastError(t('It could not be deleted'), error));
    await client.invalidateQueries({ queryKey: ['files'] });
  };
  const columns: Column<Row>[] = [
    {
      key: 'name',
      header: t('Name'),
      cell: (row) =>
        'folder' in row ? (
          <Link to="/files" search={{ in: row.folder }} className="flex items-center gap-2.5 font-medium hover:underline">
            <Folder aria-hidden className="size-4 shrink-0 text-accent" />
            {row.folder.slice(prefix.length).replace(/\/$/, '')}
          </Link>
        ) : (
          <button type="button" onClick={() => void take(row.name)} className="flex items-center gap-2.5 text-left break-all hover:underline">
            <FileIcon aria-hidden className="size-4 shrink-0 text-muted" />
            {row.name.slice(prefix.length)}
          </button>
        ),
    },
    { key: 'size', header: t('Size'), align: 'right', className: 'whitespace-nowrap', cell: (row) => ('folder' in row ? '' : size(row.bytes)) },
    { key: 'changed', header: t('Changed'), hideOnPhone: true, cell: (row) => ('folder' in row ? '' : <Time at={row.modified_at} />) },
    {
      key: 'actions',
      header: <span className="sr-only">{t('Actions')}</span>,
      align: 'right',
      className: 'whitespace-nowrap',
      cell: (row) =>
        'folder' in row ? null : (
          <>
            <IconButton size="sm" icon={Download} label={t('Download {name}', { name: row.name })} onClick={() => void take(row.name)} />
            <IconButton needs="edit" size="sm" icon={Trash2} label={t('Delete {name}', { name: row.name })} onClick={() => void remove(row.name)} />
          </>
        ),
    },
  ];
  return <Table label={t('Files')} columns={columns} rows={rows} rowKey={(row) => ('folder' in row ? row.folder : row.name)} />;
}
