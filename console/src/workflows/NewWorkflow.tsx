import { api, body } from '../api/client';
import { to } from '../lib/router';
import { NewThing } from '../ui/NewThing';

/** A draft to begin with: a mail, and nothing that starts it but a request. */
const first = (id: string, name: string) => ({
  id, name, class: 'care', entry: { api: true }, steps: { leave: { exit: { reason: 'not written yet' } } },
});

async function make(id: string, name: string): Promise<string> {
  await body(api().PUT('/v1/workflows/{id}', { params: { path: { id }, header: { 'If-None-Match': '*' } }, body: first(id, name) as never }));
  return to(['workflows', id, 'edit']);
}

export const NewWorkflow = () => <NewThing what="New workflow" action="Create the draft" make={make} />;
