import { useState } from 'react';
import { Dialog } from '../ui/parts';

const WHYS = [
  ['care', 'Care', 'I am looking after this person.'],
  ['support', 'Support', 'They asked for help with their mails.'],
  ['complaint', 'Complaint', 'Something went wrong, and I am finding out what.'],
  ['request', 'Request', 'They asked what is known about them.'],
  ['quality', 'Quality', 'I am checking that a workflow does what it should.'],
] as const;

export type Why = (typeof WHYS)[number][0];

/** Asks why before anything is shown. The answer is a word and no sentence, since a sentence might itself tell of somebody's health. */
export function Reveal({ onClose, onShow }: { onClose: () => void; onShow: (why: Why) => void }) {
  const [why, setWhy] = useState<Why>();
  return (
    <Dialog title="Show health data of this contact?" onClose={onClose}>
      <p>That you looked, when, and why is written to the audit log. The values are shown until you leave this page.</p>
      <fieldset className="reasons">
        <legend>Why do you look?</legend>
        {WHYS.map(([name, title, meaning]) => (
          <label key={name} className="check"><input type="radio" name="why" checked={why === name} onChange={() => setWhy(name)} /><span><b>{title}</b> <span className="dim">{meaning}</span></span></label>
        ))}
      </fieldset>
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>Leave it hidden</button>
        <button type="button" className="button primary" disabled={!why} onClick={() => why && onShow(why)}>Show</button>
      </div>
    </Dialog>
  );
}
