import { CfnResource, Stack } from 'aws-cdk-lib';

/** The properties of a resource as its template has them. */
export function propertiesOf(node: CfnResource): Record<string, unknown> {
  const stack = Stack.of(node);
  const template: unknown = stack.resolve((node as unknown as { _toCloudFormation(): unknown })._toCloudFormation());
  const resources = (template as { Resources: Record<string, { Properties?: Record<string, unknown> }> }).Resources;
  return Object.values(resources)[0]?.Properties ?? {};
}

/** What else is in the stack of a resource. */
export function neighbours(node: CfnResource, type: string): CfnResource[] {
  const all = Stack.of(node).node.findAll();
  return all.filter((it): it is CfnResource => CfnResource.isCfnResource(it) && it.cfnResourceType === type);
}

/** Whether a part of a template speaks of a resource. */
export function speaksOf(part: unknown, node: CfnResource): boolean {
  const id: unknown = Stack.of(node).resolve(node.logicalId);
  const text = JSON.stringify(part ?? null);
  return text.includes(`{"Ref":"${String(id)}"}`) || text.includes(`"Fn::GetAtt":["${String(id)}",`);
}

/** A list, also of one, which policies may leave bare. */
export function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The statements of a policy document. */
export function statementsOf(document: unknown): Record<string, unknown>[] {
  return listOf((document as { Statement?: unknown } | undefined)?.Statement) as Record<string, unknown>[];
}
