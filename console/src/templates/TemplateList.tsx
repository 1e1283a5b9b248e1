import { useQuery } from '@tanstack/react-query';
import { api, body } from '../api/client';
import { plural } from '../lib/format';
import { to } from '../lib/router';
import { Answer, Badge, Empty, Title } from '../ui/parts';

export function TemplateList() {
  const templates = useQuery({ queryKey: ['templates'], queryFn: () => body(api().GET('/v1/templates', { params: { query: { limit: 1000 } } })) });
  return (
    <>
      <div className="stack tight"><Title name="Templates">Templates</Title>{templates.data && <p className="dim">{plural(templates.data.items.length, 'template')}</p>}</div>
      <Answer of={templates} what="the templates">
        {({ items }) => items.length === 0 ? <div className="card"><Empty title="No template yet"><p>A template is the text of a mail. Bring them from Git with <code>carepath publish</code>.</p></Empty></div> : (
          <div className="card scroll" tabIndex={0} role="region" aria-label="Templates">
            <table>
              <thead><tr><th scope="col">Template</th><th scope="col">Subject</th><th scope="col">Class</th></tr></thead>
              <tbody>{items.map(({ id = '', subject, class: of }) => <tr key={id}><th scope="row"><a href={to(['templates', id])}>{id}</a></th><td>{subject}</td><td><Badge tone={of === 'marketing' ? 'warn' : 'accent'}>{of}</Badge></td></tr>)}</tbody>
            </table>
          </div>
        )}
      </Answer>
    </>
  );
}
