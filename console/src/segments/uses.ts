// Which workflows a segment has a part in.
import { api, body, type Schemas } from '../api/client';
import { isFields } from '../workflows/document';

/** Whether a document names a segment: as what starts it, in a condition, or where a step puts people in or takes them out. */
export function names(document: unknown, segment: string): boolean {
  if (Array.isArray(document)) return document.some(part => names(part, segment));
  if (!isFields(document)) return false;
  return Object.entries(document).some(([field, value]) => {
    if (field === 'segment' && value === segment) return true;
    if (field === 'segment' && isFields(value) && [value.add, value.remove].flat().includes(segment)) return true;
    return names(value, segment);
  });
}

export interface Use { id: string; name: string; live: boolean }

/** Those workflows: by the version that is live, and by the draft where none is. */
export async function usesOf(segment: string, workflows: Schemas['WorkflowSummary'][]): Promise<Use[]> {
  const uses: Use[] = [];
  for (const { id, name, version } of workflows) {
    const live = version !== null;
    const document = live
      ? (await body(api().GET('/v1/workflows/{id}/versions/{n}', { params: { path: { id, n: String(version) } } }))).document
      : (await body(api().GET('/v1/workflows/{id}', { params: { path: { id } } }))).draft;
    if (names(document, segment)) uses.push({ id, name: typeof name === 'string' && name ? name : id, live });
  }
  return uses;
}
