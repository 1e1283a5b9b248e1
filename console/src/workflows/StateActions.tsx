// Pausing, resuming, archiving: each asked once more, with what it comes to.
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, body, type Schemas } from '../api/client';
import { Dialog, Failure, say } from '../ui/parts';

const ACTIONS = {
  pause: { does: 'Pause', told: 'Paused', asks: 'Hold every run of this workflow?', means: 'Nobody is lost: runs stay where they are, and no mail goes out. When you resume, what is overdue goes out through its usual windows, spread over 15 minutes.' },
  resume: { does: 'Resume', told: 'Resumed', asks: 'Let every run go on?', means: 'What became due while it was paused goes through its usual windows, spread over 15 minutes.' },
  archive: { does: 'Archive', told: 'Archived', asks: 'Let nobody in any more?', means: 'Runs that are in it go on to their ends. Publishing it again opens it again.' },
} as const;
type Action = keyof typeof ACTIONS;

export function StateActions({ workflow }: { workflow: Schemas['Workflow'] }) {
  const questions = useQueryClient();
  const [asked, setAsked] = useState<Action>();
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { id, status } = workflow;
  const offered: Action[] = status === 'published' ? ['pause', 'archive'] : status === 'paused' ? ['resume', 'archive'] : [];
  async function act(action: Action) {
    setBusy(true);
    setFault(undefined);
    const path = { params: { path: { id } } };
    try {
      if (action === 'pause') await body(api().POST('/v1/workflows/{id}/pause', path));
      else if (action === 'resume') await body(api().POST('/v1/workflows/{id}/resume', path));
      else await body(api().POST('/v1/workflows/{id}/archive', path));
      await questions.invalidateQueries();
      setAsked(undefined);
      say(`${ACTIONS[action].told}.`);
    } catch (caught) {
      setFault(caught);
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      {offered.map(action => <button key={action} type="button" className="button" onClick={() => { setFault(undefined); setAsked(action); }}>{ACTIONS[action].does}</button>)}
      {asked && (
        <Dialog title={ACTIONS[asked].asks} onClose={() => setAsked(undefined)}>
          <p>{ACTIONS[asked].means}</p>
          {fault !== undefined && <Failure error={fault} />}
          <div className="actions">
            <button type="button" className="button" onClick={() => setAsked(undefined)}>Leave it</button>
            <button type="button" className="button primary" disabled={busy} onClick={() => void act(asked)}>{ACTIONS[asked].does}</button>
          </div>
        </Dialog>
      )}
    </>
  );
}
