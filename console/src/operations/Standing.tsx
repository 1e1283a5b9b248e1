// How the system stands: what the API knows everywhere, and what `carepath dev` counts beside it.
import { useQuery } from '@tanstack/react-query';
import { api, ask, body, type Schemas } from '../api/client';
import { count, plural, relative, share, words } from '../lib/format';
import { Answer, Badge } from '../ui/parts';

type Operations = Schemas['Operations'];

/** The figures that `carepath dev` counts. */
interface Metrics {
  duplicate_send: number;
  work_parked: number | null;
  unknown_open: number | null;
  runs_without_wakeup: number | null;
  runs_live: number | null;
  counters: Record<string, number>;
  queue: Record<string, number>;
  dynamodb: Record<string, { requests: number; read_units: number; write_units: number }>;
}

const MINUTE = 60;
/** A sweep comes each minute; one may be missed. */
const SWEPT_WITHIN = 3 * MINUTE;
/** What is due this long has been passed by. */
const LATE_AFTER = 2 * MINUTE;
/** How long ago mail may have gone out and be called sending. */
const SENDING_WITHIN = 10;

const between = (at: string, now: string): number => Math.round((new Date(now).getTime() - new Date(at).getTime()) / 1000);

function length(seconds: number): string {
  const [size, unit] = seconds >= 86_400 ? [86_400, 'day'] : seconds >= 3_600 ? [3_600, 'hour'] : seconds >= MINUTE ? [MINUTE, 'minute'] : [1, 'second'];
  return plural(Math.round(seconds / size), unit);
}

function Figure({ value, good, verdict, meaning }: { value: string; good: boolean; verdict: string; meaning: string }) {
  return <li className="figure"><b>{value} <Badge tone={good ? 'good' : 'bad'}>{verdict}</Badge></b><span>{meaning}</span></li>;
}

function Sweep({ now, sweep }: Operations) {
  const { at, late_seconds: late } = sweep;
  const ago = at === null ? undefined : between(at, now);
  const swept = ago !== undefined && ago <= SWEPT_WITHIN;
  return (
    <>
      <Figure value={at === null ? 'never' : relative(at, new Date(now).getTime())} good={swept} verdict={swept ? 'as it should' : 'look at this'} meaning="The last sweep: it looks each minute for what no message woke" />
      <Figure value={late === 0 ? 'nothing' : length(late)} good={late <= LATE_AFTER} verdict={late === 0 ? 'nothing is late' : late <= LATE_AFTER ? 'being done' : 'look at this'} meaning="Sweep lag: for how long the oldest thing is due that nobody has done" />
    </>
  );
}

function Rate({ now, sending }: Operations) {
  if (sending === null) return <li className="figure"><b>–</b><span>Mails a second against the account’s limit: counted where Amazon SES sends, once something was sent</span></li>;
  const { second, taken, limit } = sending;
  const current = between(second, now) <= SENDING_WITHIN;
  return <Figure value={`${count(taken)} of ${count(limit)}`} good={taken < limit} verdict={share(taken, limit)} meaning={`Mails a second against the account’s limit, ${current ? 'now' : `when any went out last, ${relative(second, new Date(now).getTime())}`}`} />;
}

/** A proof is done each night; one may be missed. */
const PROVED_WITHIN = 30 * 60 * MINUTE;
/** More than this the API does not count. */
const MANY = 100;

interface Alarm { name: string; value: string; rings: boolean | undefined; meaning: string }

/** What rings, by what the API knows; the numbers of Amazon CloudWatch are on the dashboard. */
export function alarmsOf({ now, sweep, runs, reports, unknown_open: unknown, work_parked: parked }: Operations, dev: boolean): Alarm[] {
  const some = (found: number) => (found >= MANY ? `${count(MANY)} or more` : count(found));
  const ago = (at: string) => relative(at, new Date(now).getTime());
  const alarms: Alarm[] = [
    { name: 'Unknown sends', value: some(unknown), rings: unknown > 0, meaning: 'listed below until evidence or a person settles them' },
    { name: 'Parked work', value: some(parked), rings: parked > 0, meaning: 'listed below until its cause is mended and it is done again' },
    { name: 'Sweep lag', value: sweep.late_seconds === 0 ? 'none' : length(sweep.late_seconds), rings: sweep.late_seconds > LATE_AFTER, meaning: 'how long what is due waits; where it does, see whether the timer and the executor run' },
  ];
  // Counted and proved each night, which `carepath dev` does not have: it counts when asked.
  if (!dev || runs) {
    alarms.push({
      name: 'Runs that nobody wakes', value: runs ? count(runs.without_wakeup) : '–', rings: runs ? runs.without_wakeup > 0 : undefined,
      meaning: runs ? `of ${plural(runs.live, 'live run')}, counted ${ago(runs.counted_at)}` : 'counted each night, and not yet',
    });
  }
  if (!dev || reports) {
    const stale = reports !== null && between(reports.finished_at ?? reports.started_at, now) > PROVED_WITHIN;
    alarms.push({
      name: 'Reports that differ from their runs', value: reports ? count(reports.wrong) : '–', rings: reports ? reports.wrong > 0 || stale : undefined,
      meaning: !reports ? 'compared each night, and not yet' : reports.finished_at !== null ? `compared with all runs ${ago(reports.finished_at)}` : `being compared since ${ago(reports.started_at)}`,
    });
  }
  return alarms;
}

function Alarms({ of, dashboard, dev }: { of: Operations; dashboard: string | undefined; dev: boolean }) {
  return (
    <section className="stack" aria-labelledby="alarms">
      <h2 id="alarms">Alarms</h2>
      <ul className="plain figures wide" aria-labelledby="alarms">
        {alarmsOf(of, dev).map(({ name, value, rings, meaning }) => (
          <li className="figure" key={name}><b>{value} <Badge tone={rings === undefined ? 'warn' : rings ? 'bad' : 'good'}>{rings === undefined ? 'not known' : rings ? 'look at this' : 'quiet'}</Badge></b><span>{name}: {meaning}</span></li>
        ))}
      </ul>
      {dashboard !== undefined
        ? <p><a href={dashboard} target="_blank" rel="noreferrer">Mails sent twice, dead letters, failing functions, bounces and complaints, and the course of all figures: on your dashboard</a></p>
        : <p className="dim small">{dev ? 'In AWS these tell somebody, and so do dead letters, failing functions, bounces and complaints.' : 'Dead letters, failing functions, bounces and complaints are where whoever runs this put them: this console was not told of a dashboard.'}</p>}
    </section>
  );
}

/** The sweep and the sending, as the store knows them; and which alarms ring. */
export function Standing({ dashboard, dev }: { dashboard: string | undefined; dev: boolean }) {
  const told = useQuery({ queryKey: ['operations'], queryFn: () => body(api().GET('/v1/operations')), refetchInterval: 30_000 });
  return (
    <Answer of={told} what="how it stands">
      {data => (
        <>
          <section className="stack" aria-labelledby="standing">
            <h2 id="standing">How it stands</h2>
            <ul className="plain figures wide"><Sweep {...data} /><Rate {...data} /></ul>
          </section>
          <Alarms of={data} dashboard={dashboard} dev={dev} />
        </>
      )}
    </Answer>
  );
}

function Kept({ title, value, meaning }: { title: string; value: number | null; meaning: string }) {
  return <li className="figure"><b>{value === null ? '?' : count(value)} <Badge tone={value === 0 ? 'good' : value === null ? 'warn' : 'bad'}>{value === 0 ? 'as promised' : value === null ? 'not counted' : 'look at this'}</Badge></b><span>{title}: {meaning}</span></li>;
}

export function Health({ dev }: { dev: string }) {
  const metrics = useQuery({ queryKey: ['metrics'], queryFn: () => ask<Metrics>(`${dev}/metrics`), refetchInterval: 5_000 });
  return (
    <section className="stack" aria-labelledby="health">
      <h2 id="health">What is promised, counted</h2>
      <Answer of={metrics} what="figures">
        {data => {
          const usage = Object.values(data.dynamodb).reduce((sum, one) => ({ requests: sum.requests + one.requests, read: sum.read + one.read_units, write: sum.write + one.write_units }), { requests: 0, read: 0, write: 0 });
          return (
            <>
              <ul className="plain figures wide">
                <Kept title="Mails sent twice" value={data.duplicate_send} meaning="a second message id for one visit" />
                <Kept title="Runs that nobody wakes" value={data.runs_without_wakeup} meaning="live, and neither due nor claimed" />
                <Kept title="Unknown sends" value={data.unknown_open} meaning="listed below until settled" />
                <Kept title="Parked work" value={data.work_parked} meaning="listed below until redriven" />
              </ul>
              <ul className="plain figures" aria-label="Since it was started">
                {([['live runs', data.runs_live ?? 0], ['visits', data.counters.visits ?? 0], ['mails sent', data.counters.sent ?? 0], ['lost races', data.counters.lost_races ?? 0], ...Object.entries(data.queue).filter(([, n]) => typeof n === 'number').map(([name, n]) => [`queue: ${words(name)}`, n] as const)] as [string, number][])
                  .map(([name, n]) => <li className="figure" key={name}><b>{count(n)}</b><span>{name}</span></li>)}
              </ul>
              <p className="dim small">Since the start: {count(usage.requests)} requests to the database, {count(Math.round(usage.read))} read units and {count(Math.round(usage.write))} write units.</p>
            </>
          );
        }}
      </Answer>
    </section>
  );
}
