// Publishing, with what it comes to shown first; and moving live runs to another version, planned before it is done.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, api, body, type Schemas } from '../../api/client';
import { count, plural } from '../../lib/format';
import { Answer, Badge, Dialog, Failure, say } from '../../ui/parts';
import { Diff } from './Diff';

type Migration = Schemas['Migration'];

/** Everything that a plan says, over all its pages; nothing where nothing is published. */
async function plan(id: string): Promise<Migration | null> {
  try {
    const whole = await body(api().POST('/v1/workflows/{id}/migrate', { params: { path: { id } }, body: { action: 'plan' } }));
    for (let { next } = whole; next;) {
      const page = await body(api().POST('/v1/workflows/{id}/migrate', { params: { path: { id } }, body: { action: 'plan', cursor: next } }));
      whole.versions.push(...page.versions);
      for (const name of ['runs', 'moves', 'ends', 'later', 'cannot', 'there'] as const) whole.totals[name] += page.totals[name];
      next = page.next;
    }
    return whole;
  } catch (caught) {
    if (caught instanceof ApiError && (caught.status === 404 || caught.status === 409)) return null;
    throw caught;
  }
}

const usePlan = (id: string) => useQuery({ queryKey: ['plan', id], queryFn: () => plan(id), gcTime: 0, staleTime: 0 });

export function Publish({ id, version, before, after, findings, publish, onClose }: {
  id: string; version: number | null; before: string; after: string; findings: Schemas['Finding'][]; publish: () => Promise<Schemas['Published']>; onClose: (published: boolean) => void;
}) {
  const live = usePlan(id);
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const errors = findings.filter(finding => finding.severity === 'error');
  const others = findings.filter(finding => finding.severity !== 'error');
  async function act() {
    setBusy(true);
    setFault(undefined);
    try {
      const done = await publish();
      say(done.changed ? `Version ${done.version} is live.` : `Nothing had changed: version ${done.version} stays live.`);
      onClose(true);
    } catch (caught) {
      setFault(caught);
      setBusy(false);
    }
  }
  return (
    <Dialog title={version === null ? 'Publish the first version?' : 'Publish a new version?'} onClose={() => onClose(false)}>
      <Answer of={live} what="the plan">
        {found => {
          const runs = found ? found.totals.runs + found.totals.there : 0;
          return (
            <ul>
              <li>Whoever enters from now on takes the new version.</li>
              <li>{runs === 0 ? 'No run is live, so nobody else is concerned.' : <><b>{plural(runs, 'live run')}</b> {runs === 1 ? 'stays' : 'stay'} in the version that {runs === 1 ? 'it' : 'they'} entered. You may move them afterwards.</>}</li>
            </ul>
          );
        }}
      </Answer>
      {errors.length > 0 && <div className="notice bad" role="alert"><strong>{plural(errors.length, 'error')} first</strong><ul>{errors.map((finding, nth) => <li key={nth}><b>{finding.rule}</b> {finding.message}</li>)}</ul></div>}
      {others.length > 0 && <div className="notice info"><strong>Worth knowing</strong><ul>{others.map((finding, nth) => <li key={nth}><b>{finding.rule}</b> {finding.message}</li>)}</ul></div>}
      {version !== null && <section className="stack tight"><h3>What differs from version {version}</h3><Diff before={before} after={after} /></section>}
      {fault !== undefined && <Failure error={fault} />}
      <div className="actions">
        <button type="button" className="button" onClick={() => onClose(false)}>Not now</button>
        <button type="button" className="button primary" disabled={busy || errors.length > 0} onClick={() => void act()}>{busy ? 'Publishing…' : 'Publish'}</button>
      </div>
    </Dialog>
  );
}

function Steps({ found }: { found: Migration }) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Where runs would go">
      <table>
        <thead><tr><th scope="col">Version</th><th scope="col">At</th><th scope="col">Goes to</th><th scope="col" className="num">Runs</th><th scope="col" className="num">Move</th><th scope="col" className="num">End</th><th scope="col" className="num">Later</th><th scope="col">Cannot</th></tr></thead>
        <tbody>{found.versions.flatMap(({ version, steps }) => steps.map(step => (
          <tr key={`${version} ${step.step}`}><td>{version}</td><th scope="row">{step.step}</th><td>{step.goes_to ?? '–'}</td><td className="num">{count(step.runs)}</td><td className="num">{count(step.moves)}</td><td className="num">{count(step.ends)}</td><td className="num">{count(step.later)}</td>
            <td>{step.cannot.map(why => `${count(why.runs)}: ${why.message}`).join(' ') || '–'}</td></tr>
        )))}</tbody>
      </table>
    </div>
  );
}

export function Migrate({ id, onClose }: { id: string; onClose: () => void }) {
  const questions = useQueryClient();
  const live = usePlan(id);
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  async function apply() {
    setBusy(true);
    setFault(undefined);
    try {
      let moved = 0;
      for (let cursor: string | undefined, again = true; again;) {
        const page = await body(api().POST('/v1/workflows/{id}/migrate', { params: { path: { id } }, body: { action: 'apply', ...(cursor ? { cursor } : {}) } }));
        moved += page.totals.moves;
        cursor = page.next ?? undefined;
        again = cursor !== undefined;
      }
      await questions.invalidateQueries();
      say(`${plural(moved, 'run')} moved.`);
      onClose();
    } catch (caught) {
      setFault(caught);
      setBusy(false);
    }
  }
  return (
    <Dialog title="Move live runs to the live version" onClose={onClose}>
      <Answer of={live} what="the plan">
        {found => found === null || found.totals.runs === 0
          ? <p>{found === null ? 'Nothing is published yet.' : `Nobody is left in an older version. ${plural(found.totals.there, 'run')} ${found.totals.there === 1 ? 'is' : 'are'} in the live one.`}</p>
          : <><p className="row">To version {found.to}: <Badge tone="good">{`${count(found.totals.moves)} move`}</Badge>{found.totals.ends > 0 && <Badge tone="warn">{`${count(found.totals.ends)} end`}</Badge>}{found.totals.cannot > 0 && <Badge tone="bad">{`${count(found.totals.cannot)} cannot`}</Badge>}</p><Steps found={found} /><p className="dim small">What was visited, sent and heard moves along. It cannot be taken back.</p></>}
      </Answer>
      {fault !== undefined && <Failure error={fault} />}
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>Leave them</button>
        <button type="button" className="button primary" disabled={busy || !live.data || live.data.totals.moves + live.data.totals.ends === 0} onClick={() => void apply()}>{busy ? 'Moving…' : 'Move them'}</button>
      </div>
    </Dialog>
  );
}
