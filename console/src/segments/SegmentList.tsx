// All segments: who is meant, how many there are, and how they get in.
import { useQueries, useQuery } from '@tanstack/react-query';
import { api, body, revised, type Schemas } from '../api/client';
import { count, plural } from '../lib/format';
import { to } from '../lib/router';
import { NewThing } from '../ui/NewThing';
import { Answer, Badge, Empty, Title } from '../ui/parts';
import { inWords } from '../workflows/conditions';

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

async function make(id: string, name: string): Promise<string> {
  await body(api().PUT('/v1/segments/{id}', { params: { path: { id }, header: { 'If-None-Match': '*' } }, body: { id, name } }));
  return to(['segments', id]);
}

const NewSegment = () => <NewThing what="New segment" action="Create" note="It begins empty and kept by hand. Its page can have a condition decide instead." make={make} />;

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
