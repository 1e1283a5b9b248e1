// One segment: who is meant, how far it is filled, what uses it, and who is in it.
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { api, body } from '../api/client';
import { ConditionForm } from '../conditions/ConditionForm';
import { NamesContext, useNames } from '../conditions/names';
import { count, plural } from '../lib/format';
import { go, to } from '../lib/router';
import { LongTable, paged } from '../ui/LongTable';
import { Answer, Badge, Choice, Dialog, Empty, Failure, Title, When, say } from '../ui/parts';
import { everyWorkflow } from '../workflows/WorkflowList';
import { Filling, Kind, meant, standing, type Segment } from './SegmentList';
import { usesOf } from './uses';

const WAYS = [['hand', 'By hand'], ['condition', 'By a condition']] as const;

function Definition({ segment: now, tag: current, onSaved }: { segment: Segment; tag: string | null; onSaved: () => void }) {
  // What is written here is held against what was read when the writing began: whoever changed it meanwhile is not overwritten.
  const [{ segment, tag }] = useState({ segment: now, tag: current });
  const { id = '' } = segment;
  const questions = useQueryClient();
  const names = useNames(segment);
  const [name, setName] = useState(segment.name ?? id);
  const [when, setWhen] = useState<unknown>(segment.when);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>();
  const changed = name !== (segment.name ?? id) || JSON.stringify(when) !== JSON.stringify(segment.when);
  async function save(event: SyntheticEvent) {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      const definition = { id, name, ...(when === undefined ? {} : { when }) } as Segment;
      await body(api().PUT('/v1/segments/{id}', { params: { path: { id }, ...(tag ? { header: { 'If-Match': tag } } : {}) }, body: definition }));
      say('Saved. Whoever it concerns moves in or out now.');
      onSaved();
      await questions.invalidateQueries();
    } catch (caught) {
      setFault(caught);
    } finally {
      setBusy(false);
    }
  }
  return (
    <section className="card" aria-labelledby="definition">
      <header><h2 id="definition">Who is in it</h2><Choice label="How contacts get in" value={when === undefined ? 'hand' : 'condition'} options={WAYS} onChoose={way => setWhen(way === 'hand' ? undefined : (segment.when ?? { attribute: '', exists: true }))} /></header>
      <form className="inner stack" onSubmit={event => void save(event)}>
        <label className="field"><span>Name</span><input required value={name} onChange={event => setName(event.target.value)} /></label>
        {when === undefined
          ? <p className="dim">Steps of workflows put contacts in and take them out; so do you, below.</p>
          : <NamesContext value={names}><ConditionForm label="In it is everybody of whom this holds" value={when} onSet={next => setWhen(next ?? { all: [] })} /></NamesContext>}
        {fault !== undefined && <Failure error={fault} />}
        <div className="row"><button className="button primary" disabled={!changed || busy}>{busy ? 'Saving…' : changed ? 'Save' : 'Saved'}</button>{changed && <span className="dim small">Runs that wait for this segment look again when it is saved.</span>}</div>
      </form>
    </section>
  );
}

/** Puts somebody in by hand, or takes them out. */
function Move({ id }: { id: string }) {
  const questions = useQueryClient();
  const [contact, setContact] = useState('');
  const [fault, setFault] = useState<unknown>();
  async function move(verb: 'add' | 'remove') {
    setFault(undefined);
    try {
      await body(api().POST('/v1/segments/{id}/members', { params: { path: { id } }, body: { [verb]: [contact.trim()] } }));
      say(verb === 'add' ? 'Put in.' : 'Taken out.');
      setContact('');
      await questions.invalidateQueries();
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <div className="inner stack">
      <form className="row end" onSubmit={event => { event.preventDefault(); if (contact.trim()) void move('add'); }}>
        <label className="field grow"><span>Id of a contact</span><input autoComplete="off" spellCheck={false} value={contact} onChange={event => setContact(event.target.value)} /></label>
        <button className="button" disabled={!contact.trim()}>Put in</button>
        <button type="button" className="button" disabled={!contact.trim()} onClick={() => void move('remove')}>Take out</button>
      </form>
      {fault !== undefined && <Failure error={fault} />}
    </div>
  );
}

function Members({ id, byHand }: { id: string; byHand: boolean }) {
  const members = useInfiniteQuery({
    queryKey: ['members', id], initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => body(api().GET('/v1/segments/{id}/members', { params: { path: { id }, query: { limit: 500, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: page => page.next ?? undefined,
  });
  return (
    <section className="card" aria-labelledby="members">
      <header><h2 id="members">In it now</h2></header>
      {byHand && <Move id={id} />}
      <Answer of={members} what="who is in it">
        {() => {
          const people = paged(members);
          if (people.rows.length === 0 && !people.more) return <Empty title="Nobody" />;
          return (
            <LongTable
              label="Contacts in it" of={people} keyOf={contact => contact.id}
              head={<><th scope="col">Contact</th><th scope="col">Email</th><th scope="col">Zone</th><th scope="col">Changed</th></>}
              cells={contact => <><th scope="row"><a href={to(['contacts', contact.id])}>{contact.id}</a></th><td>{contact.email ?? '–'}</td><td>{contact.zone ?? '–'}</td><td><When at={contact.updated_at} plain /></td></>}
            />
          );
        }}
      </Answer>
    </section>
  );
}

function Uses({ id }: { id: string }) {
  const uses = useQuery({ queryKey: ['uses', id], queryFn: async () => usesOf(id, await everyWorkflow()) });
  return (
    <section className="card" aria-labelledby="uses">
      <header><h2 id="uses">Workflows that use it</h2></header>
      <Answer of={uses} what="the workflows">
        {found => found.length === 0 ? <p className="inner dim">None.</p> : (
          <ul className="inner plain stack tight">{found.map(use => <li key={use.id} className="row"><a href={to(['workflows', use.id])}>{use.name}</a>{!use.live && <Badge>draft</Badge>}</li>)}</ul>
        )}
      </Answer>
    </section>
  );
}

function Delete({ id, tag }: { id: string; tag: string | null }) {
  const questions = useQueryClient();
  const [open, setOpen] = useState(false);
  const [fault, setFault] = useState<unknown>();
  async function remove() {
    try {
      await api().DELETE('/v1/segments/{id}', { params: { path: { id }, ...(tag ? { header: { 'If-Match': tag } } : {}) } });
      go('#/segments');
      say('The segment is gone.');
      await questions.invalidateQueries();
    } catch (caught) {
      setFault(caught);
    }
  }
  return (
    <>
      <button type="button" className="button danger" onClick={() => { setFault(undefined); setOpen(true); }}>Delete…</button>
      {open && (
        <Dialog title={`Delete ${id}?`} onClose={() => setOpen(false)}>
          <p>Everybody leaves it. Workflows that start when somebody leaves it do so. Contacts stay.</p>
          {fault !== undefined && <Failure error={fault} />}
          <div className="actions"><button type="button" className="button" onClick={() => setOpen(false)}>Keep it</button><button type="button" className="button danger" onClick={() => void remove()}>Delete</button></div>
        </Dialog>
      )}
    </>
  );
}

export function SegmentPage({ id }: { id: string }) {
  const found = useQuery({ ...standing(id), refetchInterval: ({ state }) => (state.data?.value.fill?.state === 'filling' ? 1_000 : 30_000) });
  // What is written in the form stays while figures are read anew; it begins again from what was saved.
  const [edition, setEdition] = useState(0);
  return (
    <>
      <p className="small"><a href="#/segments">Segments</a></p>
      <Answer of={found} what="the segment">
        {({ value, tag }) => (
          <>
            <div className="row spread">
              <div className="stack tight"><div className="row"><Title name={`Segment ${id}`}>{value.name ?? id}</Title><Kind of={value} /><Filling of={value} /></div><p className="dim">{meant(value)}.</p></div>
              <Delete id={id} tag={tag} />
            </div>
            <ul className="plain figures">
              <li className="figure"><b>{count(value.size ?? 0)}</b><span>in it now, counted</span></li>
              {value.fill && <li className="figure"><b>{count(value.fill.contacts_done ?? 0)}</b><span>{value.fill.state === 'filling' ? `of all contacts looked at so far` : `${plural(value.fill.contacts_done ?? 0, 'contact').replace(/^\S+ /, '')} looked at when it was filled`}{value.fill.finished_at && <>, <When at={value.fill.finished_at} plain /></>}</span></li>}
            </ul>
            <Definition key={edition} segment={value} tag={tag} onSaved={() => void found.refetch().then(() => setEdition(edition + 1))} />
            <Uses id={id} />
            <Members id={id} byHand={value.when === undefined} />
          </>
        )}
      </Answer>
    </>
  );
}
