export function Wordmark() {
  return (
    <span className="flex items-center gap-2 text-lg font-semibold">
      <span aria-hidden className="flex size-6 items-center justify-center rounded-md bg-accent text-sm font-bold text-accent-ink">
        M
      </span>
      Mainspring
    </span>
  );
}
