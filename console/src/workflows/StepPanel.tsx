// One step: its figures, where people went from it, and who they are.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { stepContacts, total, type InState, type StepContact, type StepFigures } from '../api/report';
import { count, share, words } from '../lib/format';
import { amend, to, usePlace } from '../lib/router';
import { Choice, Empty, Failure, Loading, When } from '../ui/parts';
import { END, ENTRY, type Step, type Way } from './document';

const ROW = 44;

function List({ rows, more, onMore }: { rows: StepContact[]; more: boolean; onMore: () => void }) {
  const pane = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => pane.current, estimateSize: () => ROW, overscan: 12 });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= rows.length - 40) onMore();
  }, [more, last, rows.length, onMore]);
  return (
    <div className="who-list" ref={pane} tabIndex={0} role="list" aria-label="Contacts">
      <div className="spacer" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {shown.map(({ index, start, size }) => {
          const row = rows[index];
          if (!row) return null;
          return (
            <div key={row.run} role="listitem" aria-posinset={index + 1} aria-setsize={more ? -1 : rows.length} style={{ transform: `translateY(${start}px)`, height: size }}>
              {row.contact === null ? <span className="dim">somebody who was deleted</span> : <a className="break" href={to(['contacts', row.contact], { run: row.run })}>{row.contact}</a>}
              <span className="dim small">{row.ended ? `${words(row.ended)} · ` : ''}<When at={row.left ?? row.entered} plain /></span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Who({ workflow, step, version, states }: { workflow: string; step: string; version: number; states: [InState, string][] }) {
  const { query } = usePlace();
  const state = states.find(([name]) => name === query.get('state'))?.[0] ?? 'waiting';
  const who = useInfiniteQuery({
    queryKey: ['who', workflow, step, version, state], initialPageParam: undefined as string | undefined, retry: false,
    queryFn: ({ pageParam }) => stepContacts(workflow, step, state, version, pageParam), getNextPageParam: page => page.next ?? undefined,
  });
  const rows = who.data?.pages.flatMap(page => page.items) ?? [];
  return (
    <section className="stack" aria-label="Who">
      <div className="row spread"><h3>Who</h3><Choice label="Who is listed" value={state} options={states} onChoose={state => amend({ state })} /></div>
      {who.error !== null && <Failure error={who.error} again={() => who.refetch()} />}
      {who.isPending && <Loading what="contacts" />}
      {who.data && rows.length === 0 && <p className="dim">Nobody.</p>}
      {rows.length > 0 && (
        <>
          <p className="dim small" role="status">{count(rows.length)}{who.hasNextPage ? ' and more' : ''}</p>
          <List rows={rows} more={who.hasNextPage && !who.isFetchingNextPage} onMore={() => void who.fetchNextPage()} />
        </>
      )}
    </section>
  );
}

function Facts({ figures }: { figures: StepFigures }) {
  const facts: [string, string][] = [['Entered', count(figures.entered)], ['Here now', count(figures.waiting)], ['Went on', count(figures.moved_on)], ['Ended here', count(total(figures.ended))]];
  for (const [reason, n] of Object.entries(figures.ended)) facts.push([`… ${words(reason)}`, count(n)]);
  if (figures.kind === 'send') {
    const of = (n: number) => `${count(n)} (${share(n, figures.sent)})`;
    facts.push(['Sent', count(figures.sent)], ['Delivered', of(figures.delivered)], ['Opened by people', of(figures.opened.human)], ['Opened by machines', of(figures.opened.machine)],
      ['Clicked by people', of(figures.clicked.human)], ['Clicked by machines', of(figures.clicked.machine)], ['Bounced', of(figures.bounced)], ['Complained', of(figures.complained)],
      ['Unsubscribed', of(figures.unsubscribed)], ['Unknown', count(figures.unknown)]);
    for (const [reason, n] of Object.entries(figures.skipped)) facts.push([`Not sent: ${words(reason)}`, count(n)]);
    for (const [link, n] of Object.entries(figures.clicked.links)) facts.push([`Link “${link}”`, of(n)]);
  }
  return <dl className="facts">{facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}</dl>;
}

export function StepPanel({ workflow, version, step, figures, ways, onClose }: {
  workflow: string; version: number; step: Step | undefined; figures: StepFigures | undefined; ways: Way[]; onClose: () => void;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  if (!step) return <aside className="card" aria-label="Step"><Empty title="There is no such step in this version" /></aside>;
  const states: [InState, string][] = [['waiting', 'Here now'], ['ended', 'Ended']];
  if (step.kind === 'send') states.splice(1, 0, ['sent', 'Sent'], ['opened', 'Opened'], ['clicked', 'Clicked']);
  const out = ways.filter(way => way.from === step.id);
  return (
    <aside className="card" aria-labelledby="step-name">
      <header>
        <div><h2 id="step-name" tabIndex={-1} ref={heading} className="break">{step.id}</h2><p className="dim small break">{step.kind === step.id ? step.gist : `${words(step.kind)}: ${step.gist}`}</p></div>
        <button type="button" className="button small" onClick={onClose}>Close</button>
      </header>
      <div className="inner stack">
        {figures ? <Facts figures={figures} /> : <p className="dim">No figures of this step.</p>}
        {figures && out.length > 0 && (
          <section className="stack tight" aria-label="Where people went">
            <h3>Where people went</h3>
            <ul className="plain stack tight">
              {out.map((way, nth) => <li key={nth} className="row spread"><span className="break"><span className="dim">{way.label || 'next'} → </span>{way.to}</span><b>{count(figures.edges[way.to] ?? 0)}</b></li>)}
            </ul>
          </section>
        )}
        {step.kind !== ENTRY && step.kind !== END && <Who workflow={workflow} step={step.id} version={version} states={states} />}
      </div>
    </aside>
  );
}
