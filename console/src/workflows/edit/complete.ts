// What may stand where the cursor is, by the document's own JSON Schema.
import schema from '../../../../docs/workflow.schema.json';

interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

const whole = schema as unknown as Schema & { $defs: Record<string, Schema> };

/** The shapes that something may have, with references followed. */
function shapes(of: Schema | undefined, depth = 0): Schema[] {
  if (!of || depth > 8) return [];
  const referred = of.$ref ? shapes(whole.$defs[of.$ref.replace('#/$defs/', '')], depth + 1) : [];
  const either = [...(of.anyOf ?? []), ...(of.oneOf ?? [])].flatMap(one => shapes(one, depth + 1));
  return [of, ...referred, ...either];
}

function below(of: Schema[], part: string | number): Schema[] {
  return of.flatMap(shape => {
    if (typeof part === 'number') return shapes(shape.items);
    const own = shape.properties?.[part];
    if (own) return shapes(own);
    return typeof shape.additionalProperties === 'object' ? shapes(shape.additionalProperties) : [];
  });
}

export interface Proposal { label: string; detail: string; kind: 'field' | 'value' }

const at = (path: (string | number)[]): Schema[] => path.reduce(below, shapes(whole));

/** Names of fields that may stand in the object at a path. */
export function fieldsAt(path: (string | number)[]): Proposal[] {
  const found = new Map<string, Proposal>();
  for (const shape of at(path)) {
    for (const [label, { description = '' }] of Object.entries(shape.properties ?? {})) if (!found.has(label)) found.set(label, { label, detail: description, kind: 'field' });
  }
  return [...found.values()];
}

/** Values that may stand at a path: words of a list, yes or no, and the steps where one is named. */
export function valuesAt(path: (string | number)[], steps: string[]): Proposal[] {
  const last = path.at(-1);
  if (last === 'next' || last === 'start' || last === 'else' || last === 'on_failure') return [...steps, 'end'].map(label => ({ label, detail: 'a step', kind: 'value' }));
  const values = new Set(at(path).flatMap(shape => (shape.enum ?? (shape.const !== undefined ? [shape.const] : undefined) ?? (shape.type === 'boolean' ? [true, false] : [])).map(String)));
  return [...values].map(label => ({ label, detail: '', kind: 'value' }));
}

/** The path of keys that a line of block YAML stands under, by how far it is indented; list entries count as they come. */
export function pathBefore(lines: string[], indent: number): (string | number)[] {
  const path: (string | number)[] = [];
  let limit = indent;
  for (let nth = lines.length - 1; nth >= 0 && limit > 0; nth -= 1) {
    const match = /^(\s*)(- )?(?:"?([\w.-]+)"?:)?/.exec(lines[nth] ?? '');
    const [, spaces = '', dash, key] = match ?? [];
    if ((lines[nth] ?? '').trim() === '' || (lines[nth] ?? '').trim().startsWith('#')) continue;
    const column = spaces.length + (dash ? 2 : 0);
    if (dash && spaces.length < limit && column <= limit) {
      if (column < limit && key) path.unshift(key);
      const earlier = lines.slice(0, nth).reverse();
      let index = 0;
      for (const line of earlier) {
        const depth = line.search(/\S/);
        if (depth >= 0 && depth < spaces.length) break;
        if (depth === spaces.length && line.trim().startsWith('- ')) index += 1;
        else if (depth === spaces.length) break;
      }
      path.unshift(index);
      limit = spaces.length;
      // The key of a list may stand at the same depth as its dashes.
      if (limit === 0) break;
    } else if (!dash && key && spaces.length < limit) {
      path.unshift(key);
      limit = spaces.length;
    }
  }
  return path;
}
