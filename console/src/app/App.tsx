import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Component, Suspense, lazy, useEffect, useState, type ReactNode } from 'react';
import { ApiError, api, body } from '../api/client';
import { beginSession } from './begin';
import { RolesContext } from './roles';
import { Shell } from './Shell';
import { SignIn } from './SignIn';
import { usePlace, type Place } from '../lib/router';
import { setSession, useSession } from '../lib/session';
import { Announcer, Empty, Failure, Loading, Title } from '../ui/parts';
import { WorkflowList } from '../workflows/WorkflowList';

const WorkflowPage = lazy(() => import('../workflows/WorkflowPage').then(m => ({ default: m.WorkflowPage })));
const EditPage = lazy(() => import('../workflows/edit/EditPage').then(m => ({ default: m.EditPage })));
const ContactFinder = lazy(() => import('../contacts/ContactFinder').then(m => ({ default: m.ContactFinder })));
const ContactPage = lazy(() => import('../contacts/ContactPage').then(m => ({ default: m.ContactPage })));
const TemplateList = lazy(() => import('../templates/TemplateList').then(m => ({ default: m.TemplateList })));
const TemplatePage = lazy(() => import('../templates/TemplatePage').then(m => ({ default: m.TemplatePage })));
const SegmentList = lazy(() => import('../segments/SegmentList').then(m => ({ default: m.SegmentList })));
const SegmentPage = lazy(() => import('../segments/SegmentPage').then(m => ({ default: m.SegmentPage })));
const KeysPage = lazy(() => import('../keys/KeysPage').then(m => ({ default: m.KeysPage })));
const OperationsPage = lazy(() => import('../operations/OperationsPage').then(m => ({ default: m.OperationsPage })));

function page({ parts }: Place): ReactNode {
  const [section, id, more] = parts;
  switch (section) {
    case undefined:
    case 'workflows':
      if (id === undefined) return <WorkflowList />;
      if (more === 'edit') return <EditPage key={id} id={id} />;
      return <WorkflowPage key={id} id={id} />;
    case 'contacts':
      return id === undefined ? <ContactFinder /> : <ContactPage key={id} id={id} />;
    case 'templates':
      return id === undefined ? <TemplateList /> : <TemplatePage key={id} id={id} />;
    case 'segments':
      return id === undefined ? <SegmentList /> : <SegmentPage key={id} id={id} />;
    case 'keys':
      return <KeysPage />;
    case 'operations':
      return <OperationsPage />;
    default:
      return (
        <>
          <Title name="Not found">There is no such page</Title>
          <div className="card"><Empty title="Nothing lives at this address"><p>It may have been mistyped. <a href="#/workflows">Go to the workflows</a>.</p></Empty></div>
        </>
      );
  }
}

/** A fault of one page leaves the rest of the console standing. */
class Net extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <>
        <Title name="Error">This page broke</Title>
        <Failure error={this.state.error} again={() => window.location.reload()} />
      </>
    );
  }
}

function SignedIn() {
  const place = usePlace();
  const me = useQuery({ queryKey: ['me'], queryFn: () => body(api().GET('/v1/me')), staleTime: Infinity });
  if (me.error) {
    return (
      <div className="signin"><div className="card">
        <Title name="Error">The console cannot start</Title>
        <Failure error={me.error} again={() => me.refetch()} />
        {me.error instanceof ApiError && me.error.status !== 0 && <button type="button" className="button" onClick={() => setSession(null)}>Sign in with another key</button>}
      </div></div>
    );
  }
  if (!me.data) return <Loading what="the console" />;
  return (
    <RolesContext value={me.data.roles}>
      <Shell place={place} who={me.data.id}>
        <Net key={place.parts.join('/')}><Suspense fallback={<Loading what="the page" />}>{page(place)}</Suspense></Net>
      </Shell>
    </RolesContext>
  );
}

export function App() {
  const session = useSession();
  const questions = useQueryClient();
  const [ready, setReady] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    beginSession().catch(setError).finally(() => setReady(true));
  }, []);
  // What one reader was shown is not kept for the next.
  useEffect(() => {
    if (!session) questions.clear();
  }, [session, questions]);
  return (
    <>
      <Announcer />
      {!ready ? <Loading what="the console" /> : session ? <SignedIn /> : <SignIn error={error} />}
    </>
  );
}
