// Keys of programs and people: who has one, with which roles; a new one is shown once.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { api, body, type Schemas } from '../api/client';
import type { Role } from '../app/roles';
import { plural } from '../lib/format';
import { Answer, Badge, Dialog, Empty, Failure, Title, When, say } from '../ui/parts';

type Key = Schemas['Key'];

const ROLES: readonly (readonly [Role, string])[] = [
  ['ingest', 'brings contacts and events'], ['viewer', 'looks at contacts, runs and figures'], ['editor', 'writes and publishes workflows; settles and redrives'], ['admin', 'deletes contacts, sets up the account, makes keys'],
];

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
    say('Copied.');
  }
  return (
    <div className="stack">
      <p><b>Copy it now.</b> It is shown this once: only a hash of it is kept.</p>
      <label className="field"><span>The key</span><input className="mono" readOnly value={secret} onFocus={event => event.target.select()} /></label>
      <div className="actions"><button type="button" className="button" onClick={() => void copy().catch(() => say('The browser does not let this page copy. Select it and copy it yourself.'))}>{copied ? 'Copied' : 'Copy'}</button><button type="button" className="button primary" onClick={onClose}>I have it</button></div>
    </div>
  );
}

function NewKey() {
  const questions = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<Role[]>([]);
  const [secret, setSecret] = useState<string>();
  const [fault, setFault] = useState<unknown>();
  function close() {
    setOpen(false);
    setSecret(undefined);
    setName('');
    setRoles([]);
    setFault(undefined);
  }
  async function make(event: SyntheticEvent) {
    event.preventDefault();
    setFault(undefined);
    try {
      const { key } = await body(api().POST('/v1/keys', { body: { name, roles } }));
      setSecret(key);
      await questions.invalidateQueries({ queryKey: ['keys'] });
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <>
      <button type="button" className="button primary" onClick={() => setOpen(true)}>New key</button>
      {open && (
        <Dialog title={secret === undefined ? 'New key' : `The key of ${name}`} onClose={close}>
          {secret !== undefined ? <Secret secret={secret} onClose={close} /> : (
            <form className="stack" onSubmit={event => void make(event)}>
              <label className="field"><span>Name <span className="hint">whose it is, or which program’s</span></span><input required autoComplete="off" value={name} onChange={event => setName(event.target.value)} /></label>
              <fieldset className="reasons">
                <legend>Roles</legend>
                {ROLES.map(([role, does]) => (
                  <label key={role} className="check"><input type="checkbox" checked={roles.includes(role)} onChange={event => setRoles(event.target.checked ? [...roles, role] : roles.filter(other => other !== role))} /><span><b>{role}</b> <span className="dim small">{does}</span></span></label>
                ))}
              </fieldset>
              {fault !== undefined && <Failure error={fault} />}
              <div className="actions"><button type="button" className="button" onClick={close}>Cancel</button><button className="button primary" disabled={roles.length === 0}>Make the key</button></div>
            </form>
          )}
        </Dialog>
      )}
    </>
  );
}

function Revoke({ of, onClose }: { of: Key; onClose: () => void }) {
  const questions = useQueryClient();
  const [fault, setFault] = useState<unknown>();
  async function revoke() {
    try {
      await api().DELETE('/v1/keys/{id}', { params: { path: { id: of.id } } });
      say('The key opens nothing any more.');
      onClose();
      await questions.invalidateQueries({ queryKey: ['keys'] });
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <Dialog title={`Revoke the key of ${of.name}?`} onClose={onClose}>
      <p>Whatever uses it is refused from now on. It cannot be given back; a new one can be made.</p>
      {fault !== undefined && <Failure error={fault} />}
      <div className="actions"><button type="button" className="button" onClick={onClose}>Keep it</button><button type="button" className="button danger" onClick={() => void revoke()}>Revoke</button></div>
    </Dialog>
  );
}

export function KeysPage() {
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => body(api().GET('/v1/keys')) });
  const me = useQuery({ queryKey: ['me'], queryFn: () => body(api().GET('/v1/me')), staleTime: Infinity });
  const [revoking, setRevoking] = useState<Key>();
  return (
    <>
      <div className="row spread"><div><Title name="API keys">API keys</Title>{keys.data && <p className="dim">{plural(keys.data.items.length, 'key')}</p>}</div><NewKey /></div>
      <Answer of={keys} what="the keys">
        {({ items }) => items.length === 0 ? <div className="card"><Empty title="No key" /></div> : (
          <div className="card scroll" tabIndex={0} role="region" aria-label="API keys">
            <table>
              <thead><tr><th scope="col">Name</th><th scope="col">Roles</th><th scope="col">Made</th><th scope="col"><span className="visually-hidden">Action</span></th></tr></thead>
              <tbody>{items.map(key => (
                <tr key={key.id}>
                  <th scope="row">{key.name}<div className="dim small mono">{key.id}</div>{me.data?.id === key.id && <div className="dim small">you are signed in with it</div>}</th>
                  <td><span className="row">{key.roles.map(role => <Badge key={role} tone={role === 'admin' ? 'warn' : 'info'}>{role}</Badge>)}</span></td><td><When at={key.created_at} plain /></td>
                  <td><button type="button" className="button small danger" aria-label={`Revoke the key of ${key.name}`} onClick={() => setRevoking(key)}>Revoke…</button></td>
                </tr>
              ))}</tbody>
            </table>
          </div>
        )}
      </Answer>
      {revoking && <Revoke of={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}
