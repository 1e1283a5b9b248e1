// A mail that went to a contact. `carepath dev` keeps the mails themselves; elsewhere nobody does, since they hold health data, and the
// page says that what it shows was made anew from the template.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, body } from '../api/client';
import { useMay } from '../app/roles';
import { currentConfig } from '../lib/config';
import { isFields } from '../workflows/document';
import { MailFrame } from '../ui/MailFrame';
import { Answer, Choice, Dialog, Failure, Loading, When } from '../ui/parts';

export interface MailOf { run: string; workflow: string; version: number; step: string; attempt: number }

interface Kept { id: string; at: string; to: string; from: string; subject: string; html: string; text: string; tags: Record<string, string> }

/** The mail as it went out, where this machine's mailbox has it. Its steps are numbered as the version's document has them. */
async function fromMailbox(dev: string, of: MailOf, email: string, steps: string[]): Promise<Kept | null> {
  const mails = await ask<Kept[]>(`${dev}/mailbox?${new URLSearchParams({ to: email, limit: '1000' }).toString()}`);
  const step = String(steps.indexOf(of.step));
  return mails.find(({ tags }) => tags.run === of.run && tags.step === step && tags.attempt === String(of.attempt)) ?? null;
}

const WIDTHS = [['wide', 'Desktop'], ['phone', 'Phone']] as const;

function Shown({ subject, html, at }: { subject: string; html: string; at?: string }) {
  const [width, setWidth] = useState<'wide' | 'phone'>('wide');
  return (
    <>
      <div className="row spread">
        <div><p><b>{subject}</b></p>{at && <p className="small dim">Sent <When at={at} plain /></p>}</div>
        <Choice label="Width" value={width} options={WIDTHS} onChoose={setWidth} />
      </div>
      <MailFrame html={html} title={`Mail: ${subject}`} width={width === 'phone' ? 375 : undefined} />
    </>
  );
}

function Remade({ contact, template }: { contact: string; template: string }) {
  const editor = useMay('editor');
  const preview = useQuery({
    queryKey: ['preview', template, contact], gcTime: 0, enabled: editor,
    queryFn: () => body(api().POST('/v1/templates/{id}/preview', { params: { path: { id: template } }, body: { contact } })),
  });
  if (!editor) return <p>Only editors may have a template rendered for a contact.</p>;
  return (
    <>
      <div className="notice warn"><strong>This is not the mail itself</strong><p>Mails are not kept, since they hold health data. This is the template <b>{template}</b> as it is now, with the contact’s values of now.</p></div>
      <Answer of={preview} what="the preview">{mail => <Shown subject={mail.subject} html={mail.html} />}</Answer>
    </>
  );
}

export function Mail({ of, contact, email, onClose }: { of: MailOf; contact: string; email: string | null; onClose: () => void }) {
  const { dev } = currentConfig();
  const found = useQuery({
    queryKey: ['mail', of], gcTime: 0,
    queryFn: async () => {
      const version = await body(api().GET('/v1/workflows/{id}/versions/{n}', { params: { path: { id: of.workflow, n: String(of.version) } } }));
      const steps: Record<string, unknown> = isFields(version.document.steps) ? version.document.steps : {};
      const step = steps[of.step];
      const send = isFields(step) && isFields(step.send) ? step.send : {};
      const kept = dev && email ? await fromMailbox(dev, of, email, Object.keys(steps)) : null;
      return { kept, template: typeof send.template === 'string' ? send.template : undefined };
    },
  });
  return (
    <Dialog title={`Mail of ${of.step}`} onClose={onClose}>
      {found.error !== null && <Failure error={found.error} />}
      {found.isPending && <Loading what="the mail" />}
      {found.data && (found.data.kept
        ? <Shown subject={found.data.kept.subject} html={found.data.kept.html} at={found.data.kept.at} />
        : found.data.template ? <Remade contact={contact} template={found.data.template} /> : <p>The mail is not kept, and its step names no template.</p>)}
      <div className="actions"><button type="button" className="button" onClick={onClose}>Close</button></div>
    </Dialog>
  );
}
