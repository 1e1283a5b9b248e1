import { useState, type SyntheticEvent } from 'react';
import { api, body } from '../api/client';
import { go, to } from '../lib/router';
import { Dialog, Failure } from '../ui/parts';
import { ID } from './document';

/** A draft to begin with: a mail, and nothing that starts it but a request. */
const first = (id: string, name: string) => ({
  id, name, class: 'care', entry: { api: true }, steps: { leave: { exit: { reason: 'not written yet' } } },
});

export function NewWorkflow() {
  const [open, setOpen] = useState(false);
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [fault, setFault] = useState<unknown>();
  async function create(event: SyntheticEvent) {
    event.preventDefault();
    setFault(undefined);
    try {
      await body(api().PUT('/v1/workflows/{id}', { params: { path: { id }, header: { 'If-None-Match': '*' } }, body: first(id, name || id) as never }));
      go(to(['workflows', id, 'edit']));
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <>
      <button type="button" className="button primary" onClick={() => setOpen(true)}>New workflow</button>
      {open && (
        <Dialog title="New workflow" onClose={() => setOpen(false)}>
          <form className="stack" onSubmit={event => void create(event)}>
            <label className="field"><span>Name <span className="hint">for people</span></span><input value={name} onChange={event => setName(event.target.value)} /></label>
            <label className="field"><span>Id <span className="hint">small letters, digits and hyphens; it stays</span></span>
              <input required pattern={ID} value={id} onChange={event => setId(event.target.value)} /></label>
            {fault !== undefined && <Failure error={fault} />}
            <div className="actions"><button type="button" className="button" onClick={() => setOpen(false)}>Cancel</button><button className="button primary">Create the draft</button></div>
          </form>
        </Dialog>
      )}
    </>
  );
}
