// What needs a person: sends of which nobody knows, work that no trial can do; and how the system stands.
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, body, type Schemas } from '../api/client';
import { useMay } from '../app/roles';
import { currentConfig } from '../lib/config';
import { count, plural, relative, words } from '../lib/format';
import { to } from '../lib/router';
import { Answer, Badge, Dialog, Empty, Failure, Title, When, say } from '../ui/parts';

type Unknown = Schemas['UnknownSend'];

/** The figures that `carepath dev` counts. */
interface Metrics {
  duplicate_send: number;
  work_parked: number | null;
  unknown_open: number | null;
  runs_without_wakeup: number | null;
  runs_live: number | null;
  counters: Record<string, number>;
  queue: Record<string, number>;
  dynamodb: Record<string, { requests: number; read_units: number; write_units: number }>;
}

const THEN: Record<string, string> = { treat_as_sent: 'taken for sent', resend: 'sent again' };

function Settle({ send, onClose }: { send: Unknown; onClose: () => void }) {
  const questions = useQueryClient();
  const [fault, setFault] = useState<unknown>();
  async function settle(sent: boolean) {
    try {
      await body(api().POST('/v1/runs/{id}/settle', { params: { path: { id: send.run } }, body: { sent, attempt: send.attempt } }));
      await questions.invalidateQueries();
      say('Settled.');
      onClose();
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <Dialog title="Was this mail sent?" onClose={onClose}>
      <p>The mail of <b>{send.step}</b> in <b>{send.workflow}</b> to <b>{send.contact}</b> was handed over <When at={send.since} plain />, and nobody answered. Say what you know, for example from the mail service’s own records.</p>
      <p className="dim">If it was sent, the run goes on. If it was not, it is sent now. If you do not know, leave it: evidence is looked for again {relative(send.next_look)}.</p>
      {fault !== undefined && <Failure error={fault} />}
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>I do not know</button>
        <button type="button" className="button danger" onClick={() => void settle(false)}>It was not sent</button>
        <button type="button" className="button primary" onClick={() => void settle(true)}>It was sent</button>
      </div>
    </Dialog>
  );
}

function UnknownSends() {
  const editor = useMay('editor');
  const [settling, setSettling] = useState<Unknown>();
  const sends = useInfiniteQuery({
    queryKey: ['unknown'], initialPageParam: undefined as string | undefined, refetchInterval: 30_000,
    queryFn: ({ pageParam }) => body(api().GET('/v1/unknown-sends', { params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: page => page.next ?? undefined,
  });
  return (
    <section className="card" aria-labelledby="unknown">
      <header><div><h2 id="unknown">Sends of which nobody knows</h2><p className="dim small">A mail that may have gone out is never sent again on a guess.</p></div></header>
      <Answer of={sends} what="unknown sends">
        {data => {
          const rows = data.pages.flatMap(page => page.items);
          if (rows.length === 0) return <Empty title="None"><p>Of every mail it is known whether it went out.</p></Empty>;
          return (
            <>
              <div className="scroll" tabIndex={0} role="region" aria-label="Unknown sends">
                <table>
                  <thead><tr><th scope="col">Mail</th><th scope="col">Contact</th><th scope="col">Since</th><th scope="col">Looked for again</th><th scope="col">Without evidence</th>{editor && <th scope="col"><span className="visually-hidden">Action</span></th>}</tr></thead>
                  <tbody>{rows.map(send => (
                    <tr key={`${send.run} ${send.attempt}`}>
                      <th scope="row"><a href={to(['workflows', send.workflow], { version: send.version, step: send.step })}>{send.workflow} · {send.step}</a><div className="dim small">attempt {send.attempt}</div></th>
                      <td><a href={to(['contacts', send.contact], { run: send.run })}>{send.contact}</a></td><td><When at={send.since} plain /></td><td>{relative(send.next_look)}</td>
                      <td>{THEN[send.then] ?? send.then} <When at={send.decided_at} plain /></td>
                      {editor && <td><button type="button" className="button small" onClick={() => setSettling(send)}>I know what happened…</button></td>}
                    </tr>
                  ))}</tbody>
                </table>
              </div>
              {sends.hasNextPage && <p className="inner"><button type="button" className="button small" onClick={() => void sends.fetchNextPage()}>More</button></p>}
            </>
          );
        }}
      </Answer>
      {settling && <Settle send={settling} onClose={() => setSettling(undefined)} />}
    </section>
  );
}

const CODES: Record<string, string> = {
  unreadable: 'What is stored cannot be read.', contradiction: 'What is stored contradicts itself.', store: 'The store refuses it.', panicked: 'The program broke at it; that is a bug of Carepath.',
};

function ParkedWork() {
  const editor = useMay('editor');
  const questions = useQueryClient();
  const [fault, setFault] = useState<unknown>();
  const parked = useInfiniteQuery({
    queryKey: ['parked'], initialPageParam: undefined as string | undefined, refetchInterval: 30_000,
    queryFn: ({ pageParam }) => body(api().GET('/v1/parked', { params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: page => page.next ?? undefined,
  });
  async function redrive(what: { ids: string[] } | { all: true }) {
    setFault(undefined);
    try {
      const { redriven } = await body(api().POST('/v1/parked/redrive', { body: what }));
      say(`${plural(redriven, 'piece')} of work put back.`);
      await questions.invalidateQueries();
    } catch (caught) {
      setFault(caught);
    }
  }
  const rows = parked.data?.pages.flatMap(page => page.items) ?? [];
  return (
    <section className="card" aria-labelledby="parked">
      <header>
        <div><h2 id="parked">Parked work</h2><p className="dim small">Work that failed in a way that trying again does not mend. It waits here for whoever removes the cause.</p></div>
        {editor && rows.length > 0 && <button type="button" className="button small" onClick={() => void redrive({ all: true })}>Have all of it done again</button>}
      </header>
      {fault !== undefined && <div className="inner"><Failure error={fault} /></div>}
      <Answer of={parked} what="parked work">
        {() => rows.length === 0 ? <Empty title="None"><p>No work is stuck.</p></Empty> : (
          <div className="scroll" tabIndex={0} role="region" aria-label="Parked work">
            <table>
              <thead><tr><th scope="col">Work</th><th scope="col">Kind</th><th scope="col">Since</th><th scope="col">What is wrong</th>{editor && <th scope="col"><span className="visually-hidden">Action</span></th>}</tr></thead>
              <tbody>{rows.map(work => (
                <tr key={work.id}><th scope="row" className="mono break">{work.id}</th><td>{work.kind}</td><td><When at={work.since} plain /></td><td><b>{words(work.code)}</b> <span className="dim">{CODES[work.code] ?? ''}</span></td>
                  {editor && <td><button type="button" className="button small" onClick={() => void redrive({ ids: [work.id] })}>Do it again</button></td>}</tr>
              ))}</tbody>
            </table>
            {parked.hasNextPage && <p className="inner"><button type="button" className="button small" onClick={() => void parked.fetchNextPage()}>More</button></p>}
          </div>
        )}
      </Answer>
    </section>
  );
}

function Kept({ title, value, meaning }: { title: string; value: number | null; meaning: string }) {
  return <li className="figure"><b>{value === null ? '?' : count(value)} <Badge tone={value === 0 ? 'good' : value === null ? 'warn' : 'bad'}>{value === 0 ? 'as promised' : value === null ? 'not counted' : 'look at this'}</Badge></b><span>{title}: {meaning}</span></li>;
}

function Health({ dev }: { dev: string }) {
  const metrics = useQuery({ queryKey: ['metrics'], queryFn: () => ask<Metrics>(`${dev}/metrics`), refetchInterval: 5_000 });
  return (
    <section className="stack" aria-labelledby="health">
      <h2 id="health">How it stands</h2>
      <Answer of={metrics} what="figures">
        {data => {
          const usage = Object.values(data.dynamodb).reduce((sum, one) => ({ requests: sum.requests + one.requests, read: sum.read + one.read_units, write: sum.write + one.write_units }), { requests: 0, read: 0, write: 0 });
          return (
            <>
              <ul className="plain figures wide">
                <Kept title="Mails sent twice" value={data.duplicate_send} meaning="a second message id for one visit" />
                <Kept title="Runs that nobody wakes" value={data.runs_without_wakeup} meaning="live, and neither due nor claimed" />
                <Kept title="Unknown sends" value={data.unknown_open} meaning="listed below until settled" />
                <Kept title="Parked work" value={data.work_parked} meaning="listed below until redriven" />
              </ul>
              <ul className="plain figures" aria-label="Since it was started">
                {([['live runs', data.runs_live ?? 0], ['visits', data.counters.visits ?? 0], ['mails sent', data.counters.sent ?? 0], ['lost races', data.counters.lost_races ?? 0], ...Object.entries(data.queue).filter(([, n]) => typeof n === 'number').map(([name, n]) => [`queue: ${words(name)}`, n] as const)] as [string, number][])
                  .map(([name, n]) => <li className="figure" key={name}><b>{count(n)}</b><span>{name}</span></li>)}
              </ul>
              <p className="dim small">Since the start: {count(usage.requests)} requests to the database, {count(Math.round(usage.read))} read units and {count(Math.round(usage.write))} write units.</p>
            </>
          );
        }}
      </Answer>
    </section>
  );
}

export function OperationsPage() {
  const { dev } = currentConfig();
  return (
    <>
      <Title name="Operations">Operations</Title>
      {dev ? <Health dev={dev} /> : <div className="notice info"><strong>Rates, limits and alarms are on the dashboard of your AWS account</strong><p>What is listed here is what a person has to decide.</p></div>}
      <UnknownSends />
      <ParkedWork />
    </>
  );
}
