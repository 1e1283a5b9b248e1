// What happened to a contact, newest first, with the reason of every decision.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, body } from '../api/client';
import { sentenceCase, shown, words } from '../lib/format';
import { to } from '../lib/router';
import { Icon } from '../ui/icons';
import { Answer, Badge, When } from '../ui/parts';
import { because, fate, refusal, type Compared, type Message, type VisitTold } from './explain';
import { Mail, type MailOf } from './Mail';
import type { Why } from './Reveal';

interface Told {
  type: string;
  at: string;
  run?: string;
  workflow?: string;
  version?: number;
  step?: string;
  [more: string]: unknown;
}

/** Names of the steps that a visit, a mail and its engagement have in common. */
function Where({ told }: { told: Told }) {
  if (!told.workflow) return null;
  return <a className="small" href={to(['workflows', told.workflow], { version: told.version, step: told.step })}>{told.workflow}{told.step ? ` · ${told.step}` : ''}</a>;
}

function Details({ explanation }: { explanation: Compared[] }) {
  if (explanation.length === 0) return null;
  return (
    <details className="small">
      <summary>What was compared</summary>
      <div className="scroll" tabIndex={0} role="region" aria-label="What was compared">
        <table>
          <thead><tr><th scope="col">Test</th><th scope="col">Found</th><th scope="col">Asked for</th><th scope="col">Held</th><th scope="col">From</th></tr></thead>
          <tbody>{explanation.map((one, nth) => (
            <tr key={nth}><th scope="row">{one.test}</th><td>{one.hidden ? 'hidden' : shown(one.observed)}</td><td>{one.hidden ? 'hidden' : shown(one.expected)}</td><td>{one.result ? 'yes' : 'no'}</td><td>{one.source}</td></tr>
          ))}</tbody>
        </table>
      </div>
    </details>
  );
}

const list = (value: unknown): Compared[] => (Array.isArray(value) ? (value as Compared[]) : []);

function Properties({ of, hidden, onAsk }: { of: unknown; hidden: boolean; onAsk: () => void }) {
  const entries = typeof of === 'object' && of !== null ? Object.entries(of) : [];
  if (entries.length === 0) return null;
  if (hidden) return <p className="small dim">With {entries.map(([name]) => words(name)).join(', ')}. <button type="button" className="button quiet small" onClick={onAsk}>Show values…</button></p>;
  return <dl className="facts small">{entries.map(([name, value]) => [<dt key={name}>{words(name)}</dt>, <dd key={`${name} value`}>{shown(value)}</dd>])}</dl>;
}

interface Look { hidden: boolean; onAsk: () => void; onMail: (mail: MailOf) => void }

function Event({ told, look }: { told: Told; look: Look }) {
  const refused = Array.isArray(told.not_admitted) ? (told.not_admitted as Told[]) : [];
  return (
    <>
      <p><b>{sentenceCase(words(String(told.name)))}</b> <span className="dim">arrived from {String(told.source)}</span></p>
      <Properties of={told.properties} hidden={look.hidden} onAsk={look.onAsk} />
      {refused.map((one, nth) => <Refused key={nth} told={one} />)}
    </>
  );
}

function Refused({ told }: { told: Told }) {
  return (
    <>
      <p><b>Did not enter {told.workflow}</b>. {refusal(String(told.why), list(told.explanation))}</p>
      <Details explanation={list(told.explanation)} />
    </>
  );
}

function Visit({ told }: { told: Told }) {
  const visit = { ...told, explanation: list(told.explanation) } as unknown as VisitTold;
  const title = visit.kind === 'entry' ? `Entered ${told.workflow ?? ''}` : visit.kind === 'end' ? `Came to the end of ${told.workflow ?? ''}` : `${words(visit.kind)}: ${visit.step}`;
  return (
    <>
      <p><b>{sentenceCase(title)}</b></p>
      <p>{because(visit)}</p>
      <Details explanation={visit.explanation} />
    </>
  );
}

function MessageTold({ told, look }: { told: Told; look: Look }) {
  const message = told.message as Message;
  const mail: MailOf = { run: told.run ?? '', workflow: told.workflow ?? '', version: told.version ?? 0, step: told.step ?? '', attempt: message.attempt };
  return (
    <>
      <p className="row"><b>Mail of {told.step}</b><Badge>{message.state}</Badge></p>
      <p>{fate(message)}{message.attempt > 1 ? `, at attempt ${message.attempt}` : ''}.</p>
      {(message.duplicates?.length ?? 0) > 0 && <p className="notice bad"><strong>It went out more than once.</strong></p>}
      {message.state === 'sent' && <p><button type="button" className="button small" onClick={() => look.onMail(mail)}>Look at the mail</button></p>}
    </>
  );
}

function Engagement({ told }: { told: Told }) {
  const what = String(told.what);
  const who = told.machine === true ? 'A machine' : 'They';
  const sentence = what === 'delivered' ? `The mail of ${told.step ?? ''} was delivered` : what === 'bounced' ? `The mail of ${told.step ?? ''} bounced`
    : what === 'complained' ? `They complained about the mail of ${told.step ?? ''}` : what === 'unsubscribed' ? `They unsubscribed by the mail of ${told.step ?? ''}`
      : what === 'clicked' ? `${who} followed “${String(told.link)}” in the mail of ${told.step ?? ''}` : `${who} opened the mail of ${told.step ?? ''}`;
  return <p>{sentence}{told.machine === true && <span className="dim">, which moves no run by itself</span>}.</p>;
}

function Entry({ told, look }: { told: Told; look: Look }) {
  switch (told.type) {
    case 'event': return <Event told={told} look={look} />;
    case 'visit': return <Visit told={told} />;
    case 'message': return <MessageTold told={told} look={look} />;
    case 'engagement': return <Engagement told={told} />;
    case 'not_admitted': return <Refused told={told} />;
    default: return <p>{words(told.type)}</p>;
  }
}

function iconOf(told: Told): string {
  if (told.type === 'visit') return String(told.kind);
  return { event: 'event', message: 'send', engagement: 'open', not_admitted: 'refused' }[told.type] ?? 'event';
}

const PAGE = 50;

export function Timeline({ contact, email, zone, why, run, onAsk }: {
  contact: string; email: string | null; zone: string | null; why: Why | undefined; run: string | undefined; onAsk: () => void;
}) {
  const [mail, setMail] = useState<MailOf>();
  const hidden = why === undefined;
  const told = useInfiniteQuery({
    queryKey: ['timeline', contact, why], initialPageParam: undefined as string | undefined, ...(hidden ? {} : { gcTime: 0 }),
    queryFn: ({ pageParam }) => body(api().GET('/v1/contacts/{id}/timeline', {
      params: { path: { id: contact }, query: { limit: PAGE, phi: hidden ? 'hidden' : 'shown', ...(why ? { why } : {}), ...(pageParam ? { cursor: pageParam } : {}) } },
    })),
    getNextPageParam: page => page.next ?? undefined,
  });
  return (
    <section className="card" aria-labelledby="timeline">
      <header><h2 id="timeline">What happened</h2>{run !== undefined && <a className="small" href={to(['contacts', contact])}>Show everything again</a>}</header>
      <Answer of={told} what="what happened">
        {data => {
          const all = data.pages.flatMap(page => page.items as unknown as Told[]);
          const rows = run === undefined ? all : all.filter(one => one.run === run);
          return (
            <div className="inner stack">
              {rows.length === 0 && <p className="dim">{run === undefined ? 'Nothing has happened yet.' : 'Nothing of this run among what is loaded.'}</p>}
              <ol className="plain timeline">
                {rows.map((one, nth) => (
                  <li key={nth} className={`told ${one.type}`}>
                    <span className="dot"><Icon name={iconOf(one)} /></span>
                    <div className="stack tight grow">
                      <Entry told={one} look={{ hidden, onAsk, onMail: setMail }} />
                      <p className="row small dim"><When at={one.at} zone={zone} /><Where told={one} /></p>
                    </div>
                  </li>
                ))}
              </ol>
              {told.hasNextPage && <div><button type="button" className="button" disabled={told.isFetchingNextPage} onClick={() => void told.fetchNextPage()}>{told.isFetchingNextPage ? 'Loading…' : 'Show what was before'}</button></div>}
            </div>
          );
        }}
      </Answer>
      {mail && <Mail of={mail} contact={contact} email={email} onClose={() => setMail(undefined)} />}
    </section>
  );
}
