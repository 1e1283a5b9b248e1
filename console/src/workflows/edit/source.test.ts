import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { graphOf, KINDS } from '../document';
import { addStep, connect, lineOf, read, removeStep, set, write } from './source';

const text = readFileSync(join(import.meta.dirname, '../../../../examples/appointment-reminder/workflow.yaml'), 'utf8');
const source = read(text);
const stepsOf = (text: string) => read(text).document?.steps as Record<string, Record<string, unknown>>;

describe('a document as text', () => {
  it('says on which line a finding is, or the nearest thing to it', () => {
    const line = (pointer: string) => text.split('\n')[lineOf(source, pointer) - 1]?.trim();
    expect(line('/steps/day_before')).toBe('day_before:');
    expect(line('/steps/confirmed/wait_for/paths/1/next')).toContain('appointment_rescheduled');
    expect(line('/steps/remind/send/nothing')).toContain('appointment-reminder');
    expect(line('/entry/filter')).toContain('email_ok');
    expect(lineOf(source, '')).toBe(1);
  });

  it('is changed in one place and nowhere else', () => {
    const changed = set(source, ['steps', 'confirmed', 'wait_for', 'timeout'], '30h');
    const differing = changed.split('\n').filter((line, nth) => line !== text.split('\n')[nth]);
    expect(differing.map(line => line.trim())).toEqual(['timeout: 30h']);
    expect(changed).toContain('# Confirms an appointment');
  });

  it('comes back as it went', () => expect(read(write(source.document)).document).toEqual(source.document));

  it('tells where it cannot be read', () => {
    const broken = read('a: [1,\nb: 2');
    expect(broken.document).toBeUndefined();
    expect(broken.faults.length).toBeGreaterThan(0);
  });
});

describe('steps', () => {
  it.each(KINDS)('of kind %s come in between two others, and nothing dangles', kind => {
    const added = read(addStep(source, kind, 'fresh', 'confirm'));
    expect((added.document?.steps as Record<string, { next?: string }>).confirm?.next).toBe('fresh');
    const { steps, ways } = graphOf(added.document);
    const ids = new Set(steps.map(step => step.id));
    expect(ways.filter(way => !ids.has(way.to))).toEqual([]);
    if (!['exit', 'jump', 'split'].includes(kind)) expect(ways.some(way => way.from === 'fresh' && way.to === 'day_before')).toBe(true);
  });

  it('are taken out, and whoever led there leads on', () => {
    const without = removeStep(source, 'day_before', graphOf(source.document).ways);
    expect(stepsOf(without).confirm?.next).toBe('remind');
    const first = removeStep(source, 'confirm', graphOf(source.document).ways);
    expect(read(first).document?.start).toBe('day_before');
    const decided = removeStep(source, 'call_list', graphOf(source.document).ways);
    expect(JSON.stringify(stepsOf(decided))).not.toContain('call_list');
  });

  it('are connected by their main way', () => {
    expect(stepsOf(connect(source, 'confirm', 'thank')).confirm?.next).toBe('thank');
    expect(stepsOf(connect(source, 'confirmed', 'thank')).confirmed?.wait_for).toMatchObject({ next: 'thank' });
    expect(read(connect(source, 'entry', 'remind')).document?.start).toBe('remind');
  });

  it('begin a document that has none', () => {
    const begun = read(addStep(read('id: x\n'), 'send', 'send', undefined));
    expect(begun.document).toMatchObject({ id: 'x', steps: { send: { send: { template: '' }, next: 'end' } } });
  });
});
