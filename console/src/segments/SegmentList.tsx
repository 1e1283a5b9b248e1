// All segments: who is meant, how many there are, and how they get in.
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { api, body, revised, type Schemas } from '../api/client';
import { count, plural } from '../lib/format';
import { go, to } from '../lib/router';
import { Answer, Badge, Dialog, Empty, Failure, Title } from '../ui/parts';
import { inWords } from '../workflows/conditions';
import { ID } from '../workflows/document';

export type Segment = Schemas['Segment'];

export const standing = (id: string) => ({
  queryKey: ['segment', id], queryFn: () => revised(api().GET('/v1/segments/{id}', { params: { path: { id } } })),
});

/** Who is in it, in a sentence. */
export const meant = ({ when }: Segment): string => (when === undefined ? 'Whoever is put in, by a step or by hand' : `Everybody of whom this holds: ${inWords(when)}`);

export function Kind({ of }: { of: Segment }) {
  return of.when === undefined ? <Badge>by hand</Badge> : <Badge tone="accent">by condition</Badge>;
}

export function Filling({ of }: { of: Segment }) {
  if (of.fill?.state !== 'filling') return null;
  return <Badge tone="info">{`filling, ${plural(of.fill.contacts_done ?? 0, 'contact')} looked at`}</Badge>;
}

function NewSegment() {
  const [open, setOpen] = useState(false);
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [fault, setFault] = useState<unknown>();
  async function create(event: SyntheticEvent) {
    event.preventDefault();
    setFault(undefined);
    try {
      await body(api().PUT('/v1/segments/{id}', { params: { path: { id }, header: { 'If-None-Match': '*' } }, body: { id, name: name || id } }));
      go(to(['segments', id]));
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <>
      <button type="button" className="button primary" onClick={() => setOpen(true)}>New segment</button>
      {open && (
        <Dialog title="New segment" onClose={() => setOpen(false)}>
          <form className="stack" onSubmit={event => void create(event)}>
            <label className="field"><span>Name <span className="hint">for people</span></span><input value={name} onChange={event => setName(event.target.value)} /></label>
            <label className="field"><span>Id <span className="hint">small letters, digits and hyphens; it stays</span></span><input required pattern={ID} value={id} onChange={event => setId(event.target.value)} /></label>
            <p className="dim small">It begins empty and kept by hand. Its page can have a condition decide instead.</p>
            {fault !== undefined && <Failure error={fault} />}
            <div className="actions"><button type="button" className="button" onClick={() => setOpen(false)}>Cancel</button><button className="button primary">Create</button></div>
          </form>
        </Dialog>
      )}
    </>
  );
}

function Rows({ items }: { items: Segment[] }) {
  const told = useQueries({ queries: items.map(({ id = '' }) => standing(id)) });
  return (
    <div className="card scroll" tabIndex={0} role="region" aria-label="Segments">
      <table>
        <thead><tr><th scope="col">Segment</th><th scope="col" className="num">In it now</th><th scope="col">Kind</th><th scope="col">Who is in it</th></tr></thead>
        <tbody>{items.map((segment, nth) => {
          const { id = '', name } = segment;
          const now = told[nth]?.data?.value;
          return (
            <tr key={id}>
              <th scope="row"><a href={to(['segments', id])}>{name ?? id}</a>{name !== id && <div className="dim small mono">{id}</div>}</th>
              <td className="num">{now?.size === undefined ? (told[nth]?.error ? '–' : '…') : count(now.size)}</td>
              <td><Kind of={segment} /> {now && <Filling of={now} />}</td><td className="break">{meant(segment)}</td>
            </tr>
          );
        })}</tbody>
      </table>
    </div>
  );
}

export function SegmentList() {
  const segments = useQuery({ queryKey: ['segments'], queryFn: () => body(api().GET('/v1/segments', { params: { query: { limit: 1000 } } })) });
  return (
    <>
      <div className="row spread">
        <div><Title name="Segments">Segments</Title>{segments.data && <p className="dim">{plural(segments.data.items.length, 'segment')}</p>}</div>
        <NewSegment />
      </div>
      <Answer of={segments} what="the segments">
        {({ items }) => items.length > 0 ? <Rows items={items} /> : <div className="card"><Empty title="No segment yet"><p>A segment is a named set of contacts: kept by hand, or by a condition.</p></Empty></div>}
      </Answer>
    </>
  );
}
