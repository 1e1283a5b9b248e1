import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, api, body, type Schemas } from '../api/client';
import { sentenceCase, shown, words } from '../lib/format';
import { to, usePlace } from '../lib/router';
import { Answer, Badge, Empty, Title, When } from '../ui/parts';
import './contact.css';
import { Reveal, type Why } from './Reveal';
import { Runs } from './Runs';
import { Timeline } from './Timeline';

type Contact = Schemas['Contact'];

const CLASSES = [
  ['identifier', 'Who they are', 'Says who somebody is, and nothing about their health.'],
  ['public', 'Public', 'Anybody may know it.'],
  ['phi', 'Health data', 'Protected health information; whatever nobody has declared counts as this.'],
  ['sensitive', 'Sensitive', 'Health information that takes special care.'],
] as const;

function Profile({ contact, values, onAsk, why }: { contact: Contact; values: Contact | undefined; onAsk: () => void; why: Why | undefined }) {
  const classes = Object.entries(contact.classes ?? {});
  const attributes: Record<string, unknown> = { ...contact.attributes, ...values?.attributes };
  return (
    <section className="card" aria-labelledby="profile">
      <header>
        <h2 id="profile">Profile</h2>
        {why ? <Badge tone="warn">{`Health data shown · ${why}`}</Badge> : <button type="button" className="button small" onClick={onAsk}>Show health data…</button>}
      </header>
      <div className="inner stack">
        <dl className="facts">
          <dt>Email</dt><dd>{contact.email ?? '–'}</dd>
          <dt>Zone</dt><dd>{contact.zone ?? 'none of their own'}</dd>
          <dt>Language</dt><dd>{contact.locale ?? '–'}</dd>
          <dt>Here since</dt><dd><When at={contact.created_at} zone={contact.zone} /></dd>
        </dl>
        {CLASSES.map(([name, title, meaning]) => {
          const own = classes.filter(([, of]) => of === name);
          if (own.length === 0) return null;
          const secret = name === 'phi' || name === 'sensitive';
          return (
            <div key={name} className="stack tight">
              <h3 title={meaning}>{title}</h3>
              <dl className="facts">
                {own.map(([attribute]) => [
                  <dt key={attribute}>{words(attribute)}</dt>,
                  <dd key={`${attribute} value`}>{secret && !values ? <span className="hidden-value">hidden</span> : shown(attributes[attribute])}</dd>,
                ])}
              </dl>
            </div>
          );
        })}
        {classes.length === 0 && <p className="dim">No attributes are known of this contact.</p>}
      </div>
    </section>
  );
}

function Memberships({ contact }: { contact: Contact }) {
  const topics = Object.entries(contact.topics);
  return (
    <section className="card" aria-labelledby="memberships">
      <header><h2 id="memberships">Segments and topics</h2></header>
      <div className="inner stack">
        {contact.suppressed && <div className="notice bad"><strong>No mail goes to this address</strong><p>{contact.suppressed === 'bounced' ? 'A mail to it bounced for good.' : 'Its owner complained about a mail.'} An administrator can open it again.</p></div>}
        {contact.segments.length > 0
          ? <ul className="plain row" aria-label="Segments">{contact.segments.map(segment => <li key={segment}><a className="badge accent" href={to(['contacts'], { segment })}>{segment}</a></li>)}</ul>
          : <p className="dim">In no segment.</p>}
        {topics.length > 0 ? (
          <dl className="facts">{topics.map(([topic, answer]) => [<dt key={topic}>{sentenceCase(words(topic))}</dt>, <dd key={`${topic} answer`}><Badge>{answer}</Badge></dd>])}</dl>
        ) : <p className="dim">Has answered about no topic.</p>}
      </div>
    </section>
  );
}

export function ContactPage({ id }: { id: string }) {
  const { query } = usePlace();
  const [asking, setAsking] = useState(false);
  const [why, setWhy] = useState<Why>();
  const path = { id };
  const contact = useQuery({ queryKey: ['contact', id], queryFn: () => body(api().GET('/v1/contacts/{id}', { params: { path, query: { phi: 'hidden' } } })) });
  // What was shown for a reason is forgotten with the page.
  const values = useQuery({ queryKey: ['contact', id, 'shown', why], enabled: why !== undefined, gcTime: 0, queryFn: () => body(api().GET('/v1/contacts/{id}', { params: { path, query: { phi: 'shown', ...(why ? { why } : {}) } } })) });
  const missing = contact.error instanceof ApiError && contact.error.status === 404;
  return (
    <>
      <div className="stack tight"><p className="small"><a href="#/contacts">Contacts</a></p><Title name="Contact">{id}</Title></div>
      {missing ? <div className="card"><Empty title="There is no such contact"><p>Nobody has this id, or their data was deleted.</p></Empty></div> : (
        <Answer of={contact} what="the contact">
          {found => (
            <div className="contact-page">
              <div className="stack">
                <Profile contact={found} values={values.data} why={values.data ? why : undefined} onAsk={() => setAsking(true)} />
                <Memberships contact={found} />
                <Runs contact={id} zone={found.zone} />
              </div>
              <Timeline key={why ?? ''} contact={id} email={found.email} zone={found.zone} why={why} run={query.get('run') ?? undefined} onAsk={() => setAsking(true)} />
            </div>
          )}
        </Answer>
      )}
      {asking && <Reveal onClose={() => setAsking(false)} onShow={reason => { setWhy(reason); setAsking(false); }} />}
    </>
  );
}
