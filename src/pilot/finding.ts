import type { Position } from '../config/position.js';
import { pathOf, sourceOf, type Tree } from './tree.js';

/**
 * Something to say about a document. An `error` keeps the document out (as istiod's admission would) or names what is
 * not supported here; a `warning` is what istiod warns of, or what behaves otherwise than it reads; `advice` is lint.
 */
export interface Finding {
  severity: 'error' | 'warning' | 'advice';
  /** A word for the rule, such as `schema`, `admission`, `unsupported` or the name of a lint rule. */
  rule: string;
  /** The document: kind, namespace and name. */
  kind: string;
  namespace: string;
  name: string;
  /** The field, such as `spec.http[0].timeout`; empty for the whole document. */
  path: string;
  message: string;
  /** What the field allows, when that can be said in a line. */
  allowed?: string;
  position: Position | null;
}

/** The document that findings are about. */
export interface Subject {
  kind: string;
  namespace: string;
  name: string;
  /** The document itself. */
  body: Tree;
}

/** Collects findings about one document after the other. */
export class Findings {
  readonly list: Finding[] = [];

  add(
    severity: Finding['severity'],
    rule: string,
    subject: Subject,
    at: { tree: object; field: string },
    message: string,
    allowed?: string,
  ): void {
    const title = titleOf(subject);
    const path = pathOf(at.tree, at.field);
    this.list.push({
      severity,
      rule,
      kind: subject.kind,
      namespace: subject.namespace,
      name: subject.name,
      path: path.startsWith(title) ? path.slice(title.length).trimStart() : path,
      message,
      ...(allowed === undefined ? {} : { allowed }),
      position: sourceOf(at.tree, at.field),
    });
  }

  error(rule: string, subject: Subject, tree: object, field: string, message: string, allowed?: string): void {
    this.add('error', rule, subject, { tree, field }, message, allowed);
  }

  warn(rule: string, subject: Subject, tree: object, field: string, message: string): void {
    this.add('warning', rule, subject, { tree, field }, message);
  }

  advise(rule: string, subject: Subject, tree: object, field: string, message: string): void {
    this.add('advice', rule, subject, { tree, field }, message);
  }
}

/** A document in a line: `VirtualService default/server`. */
export function titleOf(subject: { kind: string; namespace: string; name: string }): string {
  return `${subject.kind} ${subject.namespace === '' ? '' : `${subject.namespace}/`}${subject.name}`.trimEnd();
}

/** A finding about something generated: its position knows the document and field behind it. */
export function findingAt(
  position: Position | null,
  severity: Finding['severity'],
  rule: string,
  message: string,
  allowed = '',
): Finding {
  const [kind = '', full = '', ...path] = (position?.source ?? '').split(' ');
  const slash = full.indexOf('/');
  return {
    severity,
    rule,
    kind,
    namespace: slash === -1 ? '' : full.slice(0, slash),
    name: full.slice(slash + 1),
    path: path.join(' '),
    message,
    ...(allowed === '' ? {} : { allowed }),
    position,
  };
}
