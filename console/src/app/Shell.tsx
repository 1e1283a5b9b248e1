import { useContext, useRef, useState, type ReactNode } from 'react';
import { applyScheme, keptScheme, type Scheme } from './scheme';
import { RolesContext } from './roles';
import { currentConfig } from '../lib/config';
import type { Place } from '../lib/router';
import { signOut } from '../lib/oauth';
import { Icon, Logo } from '../ui/icons';

/** Sections, and the role that their pages take. */
const SECTIONS = [
  ['workflows', 'Workflows', 'viewer'], ['contacts', 'Contacts', 'viewer'], ['segments', 'Segments', 'editor'], ['templates', 'Templates', 'editor'], ['operations', 'Operations', 'viewer'], ['keys', 'API keys', 'admin'],
] as const;

function SchemeChoice() {
  const [scheme, setScheme] = useState<Scheme>(keptScheme);
  return (
    <label className="row">
      <span className="visually-hidden">Colours</span>
      <select value={scheme} onChange={event => { const next = event.target.value as Scheme; setScheme(next); applyScheme(next); }}>
        <option value="system">Colours: system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}

export function Shell({ place, who, children }: { place: Place; who: string; children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const { auth, dev } = currentConfig();
  const roles = useContext(RolesContext);
  const section = place.parts[0] ?? 'workflows';
  const sections = SECTIONS.filter(([, , role]) => role === 'viewer' || roles.includes(role));
  return (
    <>
      {/* The address belongs to the pages, so that this is no link to `#main`. */}
      <button type="button" className="button primary skip" onClick={() => main.current?.focus()}>Skip to the content</button>
      <div className="shell">
        <header className="side">
          <a className="brand" href="#/workflows"><Logo />Carepath</a>
          <nav aria-label="Sections">
            <ul className="plain">
              {sections.map(([name, text]) => (
                <li key={name}>
                  <a href={`#/${name}`} aria-current={section === name ? 'page' : undefined}><Icon name={name} />{text}</a>
                </li>
              ))}
              {dev && <li><a href="/mailbox"><Icon name="open" />Mailbox</a></li>}
            </ul>
          </nav>
          <div className="foot">
            <span className="who break">Signed in as {who}</span>
            <SchemeChoice />
            <button type="button" className="button small" onClick={() => signOut(auth)}>Sign out</button>
          </div>
        </header>
        <main id="main" tabIndex={-1} ref={main}>{children}</main>
      </div>
    </>
  );
}
