// Small parts that every page uses.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { ApiError } from '../api/client';
import { relative, sameClock, time } from '../lib/format';

let begun = false;

/** The title of a page, which takes the focus when the page is come to, so that a screen reader says where it is. */
export function Title({ children, name }: { children: ReactNode; name: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${name} · Carepath`;
    // The very first page begins where pages begin, and what somebody is typing into keeps its focus.
    const first = !begun;
    begun = true;
    if (first) return;
    if (document.activeElement === document.body || document.activeElement?.closest('nav')) heading.current?.focus({ preventScroll: true });
  }, [name]);
  return <h1 tabIndex={-1} ref={heading}>{children}</h1>;
}

export function Loading({ what }: { what: string }) {
  return <div className="state" role="status"><div className="spinner" aria-hidden="true" /><p>Loading {what}…</p></div>;
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return <div className="state"><h2>{title}</h2>{children}</div>;
}

function advice(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 403) return 'Your key does not have the role for this. An administrator can give you one that has.';
  if (error.status === 0 || error.status >= 500) return 'Nothing was lost. Try again in a moment.';
  return undefined;
}

export function Failure({ error, again }: { error: unknown; again?: (() => unknown) | undefined }) {
  const faults = error instanceof ApiError ? error.faults : [];
  const hint = advice(error);
  return (
    <div className="notice bad" role="alert">
      <strong>That did not work</strong>
      <p>{error instanceof Error ? error.message : 'Something went wrong on this page.'}</p>
      {faults.length > 0 && <ul>{faults.map(fault => <li key={fault}>{fault}</li>)}</ul>}
      {hint && <p>{hint}</p>}
      {again && <p><button type="button" className="button small" onClick={() => void again()}>Try again</button></p>}
    </div>
  );
}

/** What a question of the API came to: its answer, or in its place what is going on. */
export function Answer<T>({ of, what, children }: {
  of: { data: T | undefined; error: unknown; isPending: boolean; refetch?: () => unknown };
  what: string;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Failure error={of.error} again={of.refetch} />;
  return <Loading what={what} />;
}

/** A moment in the reader's zone, with the contact's clock beside it where that shows something else. */
export function When({ at, zone, plain }: { at: string; zone?: string | null | undefined; plain?: boolean }) {
  return (
    <span>
      <time dateTime={at} title={relative(at)}>{time(at)}</time>
      {!plain && !sameClock(at, zone) && <span className="dim"> · theirs: {time(at, zone)}</span>}
    </span>
  );
}

const TONES: Record<string, string> = {
  published: 'good', sent: 'good', completed: 'good', delivered: 'good', goal: 'good', subscribed: 'good',
  paused: 'warn', waiting: 'info', active: 'info', claimed: 'info', draft: 'info', exited: '',
  unknown: 'bad', failed: 'bad', bounced: 'bad', complained: 'bad', suppressed: 'bad', unsubscribed: 'warn', skipped: 'warn',
};

export function Badge({ children, tone }: { children: string; tone?: string }) {
  return <span className={`badge ${tone ?? TONES[children] ?? ''}`}>{children}</span>;
}

/** A choice of a few, as buttons of which one is pressed. */
export function Choice<T extends string>({ label, value, options, onChoose }: {
  label: string; value: T; options: readonly (readonly [T, string])[]; onChoose: (value: T) => void;
}) {
  return (
    <div className="choice" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChoose(option)}>{text}</button>
      ))}
    </div>
  );
}

/** A dialog of the browser's own: it keeps the focus, closes with Escape, and gives the focus back. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={event => { event.preventDefault(); onClose(); }}>
      <div className="body"><h2 id={id}>{title}</h2>{children}</div>
    </dialog>
  );
}

/** Says what was done, to eyes and to screen readers. */
let announce: (text: string) => void = () => undefined;
export const say = (text: string): void => announce(text);

export function Announcer() {
  const [text, setText] = useState('');
  useEffect(() => {
    announce = setText;
  }, []);
  useEffect(() => {
    if (!text) return undefined;
    const timer = setTimeout(() => setText(''), 6000);
    return () => clearTimeout(timer);
  }, [text]);
  return <div role="status" className={text ? 'toast' : 'visually-hidden'}>{text}</div>;
}
