import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { api, body } from '../api/client';
import { useMay } from '../app/roles';
import { amend, go, to, usePlace } from '../lib/router';
import { LongTable, paged } from '../ui/LongTable';
import { Answer, Empty, Title, When } from '../ui/parts';

/** An address is looked for and kept out of the page's own address, since that is kept in the history of the browser. */
type Search = { email: string } | { segment: string };

function Found({ search }: { search: Search }) {
  const found = useInfiniteQuery({
    queryKey: ['contacts', search], initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => body(api().GET('/v1/contacts', { params: { query: { ...search, limit: 500, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    getNextPageParam: page => page.next ?? undefined,
  });
  return (
    <Answer of={found} what="contacts">
      {() => {
        const people = paged(found);
        if (people.rows.length === 0 && !people.more) return <div className="card"><Empty title="Nobody found"><p>{'email' in search ? 'No contact has this address. It has to be the whole address.' : 'Nobody is in this segment.'}</p></Empty></div>;
        return (
          <div className="card">
            <LongTable
              label="Contacts found" of={people} keyOf={contact => contact.id}
              head={<><th scope="col">Contact</th><th scope="col">Email</th><th scope="col">Zone</th><th scope="col">Segments</th><th scope="col">Changed</th></>}
              cells={contact => (
                <>
                  <th scope="row"><a href={to(['contacts', contact.id])}>{contact.id}</a></th><td>{contact.email ?? '–'}</td><td>{contact.zone ?? '–'}</td>
                  <td>{contact.segments.join(', ') || '–'}</td><td><When at={contact.updated_at} plain /></td>
                </>
              )}
            />
          </div>
        );
      }}
    </Answer>
  );
}

export function ContactFinder() {
  const { query } = usePlace();
  const editor = useMay('editor');
  const [text, setText] = useState('');
  const [email, setEmail] = useState<string>();
  const segment = query.get('segment') ?? '';
  const segments = useQuery({ queryKey: ['segments'], queryFn: () => body(api().GET('/v1/segments', { params: { query: { limit: 1000 } } })), enabled: editor });
  function submit(event: SyntheticEvent) {
    event.preventDefault();
    const wanted = text.trim();
    if (!wanted) return;
    if (!wanted.includes('@')) {
      go(to(['contacts', wanted]));
      return;
    }
    amend({ segment: undefined });
    setEmail(wanted);
  }
  const search: Search | undefined = email ? { email } : segment ? { segment } : undefined;
  return (
    <>
      <div className="stack tight"><Title name="Contacts">Contacts</Title><p className="dim">Find somebody by their id or their whole address. Each look at a contact is written to the audit log.</p></div>
      <div className="card pad row end">
        <form className="row end grow" role="search" onSubmit={submit}>
          <label className="field grow"><span>Id or address</span><input type="search" autoComplete="off" spellCheck={false} value={text} onChange={event => setText(event.target.value)} /></label>
          <button className="button primary">Find</button>
        </form>
        <label className="field"><span>{editor ? 'Everybody in a segment' : 'Everybody in the segment (its id)'}</span>
          {editor ? (
            <select value={segment} onChange={event => { setEmail(undefined); amend({ segment: event.target.value }); }}>
              <option value="">Choose a segment</option>
              {(segments.data?.items ?? []).map(({ id = '', name }) => <option key={id} value={id}>{name ?? id}</option>)}
            </select>
          ) : <input value={segment} onChange={event => { setEmail(undefined); amend({ segment: event.target.value }); }} />}
        </label>
      </div>
      {search ? <Found key={JSON.stringify(search)} search={search} /> : <div className="card"><Empty title="Whom are you looking for?"><p>There is no list of everybody here: health data is looked at for a reason.</p></Empty></div>}
    </>
  );
}
