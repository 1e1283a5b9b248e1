// Making something new that has a name for people and an id that stays.
import { useState, type SyntheticEvent } from 'react';
import { go } from '../lib/router';
import { ID } from '../workflows/document';
import { Dialog, Failure } from './parts';

/** `make` makes it, and says where its page is; what it throws is shown, and the form stays. */
export function NewThing({ what, action, note, make }: { what: string; action: string; note?: string; make: (id: string, name: string) => Promise<string> }) {
  const [open, setOpen] = useState(false);
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [fault, setFault] = useState<unknown>();
  async function create(event: SyntheticEvent) {
    event.preventDefault();
    setFault(undefined);
    try {
      go(await make(id, name || id));
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <>
      <button type="button" className="button primary" onClick={() => setOpen(true)}>{what}</button>
      {open && (
        <Dialog title={what} onClose={() => setOpen(false)}>
          <form className="stack" onSubmit={event => void create(event)}>
            <label className="field"><span>Name <span className="hint">for people</span></span><input value={name} onChange={event => setName(event.target.value)} /></label>
            <label className="field"><span>Id <span className="hint">small letters, digits and hyphens; it stays</span></span><input required pattern={ID} value={id} onChange={event => setId(event.target.value)} /></label>
            {note !== undefined && <p className="dim small">{note}</p>}
            {fault !== undefined && <Failure error={fault} />}
            <div className="actions"><button type="button" className="button" onClick={() => setOpen(false)}>Cancel</button><button className="button primary">{action}</button></div>
          </form>
        </Dialog>
      )}
    </>
  );
}
