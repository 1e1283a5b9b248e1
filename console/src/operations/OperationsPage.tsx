// How the system stands, and what needs a person: sends of which nobody knows, work that no trial can do.
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, body, type Schemas } from '../api/client';
import { useMay } from '../app/roles';
import { currentConfig } from '../lib/config';
import { plural, relative, words } from '../lib/format';
import { to } from '../lib/router';
import { LongTable, paged } from '../ui/LongTable';
import { Answer, Dialog, Empty, Failure, Title, When, say } from '../ui/parts';
import { Health, Standing } from './Standing';

type Unknown = Schemas['UnknownSend'];

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
        {() => {
          const list = paged(sends);
          if (list.rows.length === 0 && !list.more) return <Empty title="None"><p>Of every mail it is known whether it went out.</p></Empty>;
          return (
            <LongTable
              label="Unknown sends" of={list} keyOf={send => `${send.run} ${send.attempt}`}
              head={<><th scope="col">Mail</th><th scope="col">Contact</th><th scope="col">Since</th><th scope="col">Looked for again</th><th scope="col">Without evidence</th>{editor && <th scope="col"><span className="visually-hidden">Action</span></th>}</>}
              cells={send => (
                <>
                  <th scope="row"><a href={to(['workflows', send.workflow], { version: send.version, step: send.step })}>{send.workflow} · {send.step}</a><div className="dim small">attempt {send.attempt}</div></th>
                  <td><a href={to(['contacts', send.contact], { run: send.run })}>{send.contact}</a></td><td><When at={send.since} plain /></td><td>{relative(send.next_look)}</td>
                  <td>{THEN[send.then] ?? send.then} <When at={send.decided_at} plain /></td>
                  {editor && <td><button type="button" className="button small" onClick={() => setSettling(send)}>I know what happened…</button></td>}
                </>
              )}
            />
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
  const list = paged(parked);
  return (
    <section className="card" aria-labelledby="parked">
      <header>
        <div><h2 id="parked">Parked work</h2><p className="dim small">Work that failed in a way that trying again does not mend. It waits here for whoever removes the cause.</p></div>
        {editor && list.rows.length > 0 && <button type="button" className="button small" onClick={() => void redrive({ all: true })}>Have all of it done again</button>}
      </header>
      {fault !== undefined && <div className="inner"><Failure error={fault} /></div>}
      <Answer of={parked} what="parked work">
        {() => list.rows.length === 0 && !list.more ? <Empty title="None"><p>No work is stuck.</p></Empty> : (
          <LongTable
            label="Work that is parked" of={list} keyOf={work => work.id}
            head={<><th scope="col">Work</th><th scope="col">Kind</th><th scope="col">Since</th><th scope="col">What is wrong</th>{editor && <th scope="col"><span className="visually-hidden">Action</span></th>}</>}
            cells={work => (
              <>
                <th scope="row" className="mono break">{work.id}</th><td>{work.kind}</td><td><When at={work.since} plain /></td><td><b>{words(work.code)}</b> <span className="dim">{CODES[work.code] ?? ''}</span></td>
                {editor && <td><button type="button" className="button small" onClick={() => void redrive({ ids: [work.id] })}>Do it again</button></td>}
              </>
            )}
          />
        )}
      </Answer>
    </section>
  );
}

export function OperationsPage() {
  const { dev, dashboard } = currentConfig();
  return (
    <>
      <Title name="Operations">Operations</Title>
      <Standing dashboard={dashboard} dev={dev !== undefined} />
      {dev && <Health dev={dev} />}
      <UnknownSends />
      <ParkedWork />
    </>
  );
}
