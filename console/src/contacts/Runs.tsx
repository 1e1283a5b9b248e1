import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, body } from '../api/client';
import { useMay } from '../app/roles';
import { plural, words } from '../lib/format';
import { to } from '../lib/router';
import { Answer, Badge, Dialog, Failure, When, say } from '../ui/parts';

export function Runs({ contact, zone }: { contact: string; zone: string | null }) {
  const questions = useQueryClient();
  const editor = useMay('editor');
  const [ending, setEnding] = useState<string>();
  const [fault, setFault] = useState<unknown>();
  const runs = useQuery({ queryKey: ['runs', contact], queryFn: () => body(api().GET('/v1/contacts/{id}/runs', { params: { path: { id: contact }, query: { phi: 'hidden' } } })) });
  async function cancel(id: string) {
    try {
      await body(api().POST('/v1/runs/{id}/cancel', { params: { path: { id } } }));
      setEnding(undefined);
      say('The run was ended.');
      await questions.invalidateQueries();
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <section className="card" aria-labelledby="runs">
      <header><h2 id="runs">Runs</h2>{runs.data && <span className="dim small">{plural(runs.data.items.length, 'run')}</span>}</header>
      <Answer of={runs} what="runs">
        {({ items }) => items.length === 0 ? <p className="inner dim">Never was in a workflow.</p> : (
          <ul className="plain runs">
            {items.map(run => (
              <li key={run.id}>
                <div className="row spread"><a href={to(['workflows', run.workflow], { version: run.version, step: run.current })}>{run.workflow}</a><Badge>{run.ended ?? run.status}</Badge></div>
                <p className="small dim">
                  Version {run.version}, came in <When at={run.entry.at} zone={zone} />
                  {run.current && <>; is at <b>{words(run.current)}</b></>}{run.due && <>, until <When at={run.due} zone={zone} /></>}
                  {run.ended_at && <>; ended <When at={run.ended_at} zone={zone} /></>}{run.detail && <> ({words(run.detail)})</>}.
                </p>
                <p className="row small"><a href={to(['contacts', contact], { run: run.id })}>Only this run</a>
                  {editor && run.status !== 'ended' && <button type="button" className="button quiet small" onClick={() => { setFault(undefined); setEnding(run.id); }}>End this run…</button>}</p>
              </li>
            ))}
          </ul>
        )}
      </Answer>
      {ending && (
        <Dialog title="End this run?" onClose={() => setEnding(undefined)}>
          <p>It ends as cancelled, where it is. No mail of it goes out any more. That cannot be taken back.</p>
          {fault !== undefined && <Failure error={fault} />}
          <div className="actions"><button type="button" className="button" onClick={() => setEnding(undefined)}>Leave it</button><button type="button" className="button danger" onClick={() => void cancel(ending)}>End it</button></div>
        </Dialog>
      )}
    </section>
  );
}
