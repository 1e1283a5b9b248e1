// A table of any length: only the rows that are seen, and a few around them, are on the page. Its pages come as they are scrolled to.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import { count } from '../lib/format';

/** What of a list is there, and how more of it comes. */
export interface Paged<T> {
  rows: T[];
  more: boolean;
  fetching: boolean;
  fetch: () => unknown;
}

/** The rows of what came in pages. */
export function paged<T>(of: { data: { pages: { items: T[] }[] } | undefined; hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }): Paged<T> {
  return { rows: of.data?.pages.flatMap(page => page.items) ?? [], more: of.hasNextPage, fetching: of.isFetchingNextPage, fetch: of.fetchNextPage };
}

const ROW = 48;
/** How far from the end of what is there the next page is asked for. */
const AHEAD = 60;

export function LongTable<T>({ label, of, head, keyOf, cells }: {
  label: string; of: Paged<T>; head: ReactNode; keyOf: (row: T) => string; cells: (row: T) => ReactNode;
}) {
  const { rows, more, fetching, fetch } = of;
  const pane = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => pane.current, estimateSize: () => ROW, overscan: 10,
    getItemKey: index => { const row = rows[index]; return row === undefined ? index : keyOf(row); },
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !fetching && last >= rows.length - AHEAD) void fetch();
  }, [more, fetching, last, rows.length, fetch]);
  const above = shown[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    <>
      <div className="scroll long" ref={pane} tabIndex={0} role="region" aria-label={label}>
        <table aria-rowcount={more ? -1 : rows.length + 1}>
          <thead><tr aria-rowindex={1}>{head}</tr></thead>
          <tbody>
            {above > 0 && <tr aria-hidden="true" className="gap"><td style={{ height: above }} /></tr>}
            {shown.map(({ index, key }) => {
              const row = rows[index];
              return row === undefined ? null : <tr key={String(key)} data-index={index} aria-rowindex={index + 2} ref={virtual.measureElement}>{cells(row)}</tr>;
            })}
            {below > 0 && <tr aria-hidden="true" className="gap"><td style={{ height: below }} /></tr>}
          </tbody>
        </table>
      </div>
      <p className="inner small dim" role="status">{more ? `${count(rows.length)} so far; more come as you scroll.` : `${count(rows.length)} in all.`}</p>
    </>
  );
}
