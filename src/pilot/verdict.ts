import type { KubeDocument } from '../config/kube-documents.js';
import { checkAdmission } from './admission/check.js';
import { type Finding, Findings } from './finding.js';
import { type Resource, resourceOf } from './resource.js';
import { checkSchema } from './schema/check.js';
import { hasSchema } from './schema/kinds.js';

/**
 * What becomes of a document that is applied to a cluster with Istio: `refused` by the schema of its resource definition or
 * by istiod's webhook, `warned` (taken, and kubectl prints the webhook's remarks), `accepted`. `other` is a kind that Istio
 * does not check.
 */
export type Verdict = 'accepted' | 'warned' | 'refused' | 'other';

export interface Judged {
  resource: Resource;
  verdict: Verdict;
  /** Rules `schema` and `admission`; the webhook is asked only when the schema has nothing against the document. */
  findings: Finding[];
}

/** The verdict on one document. */
export function judge(doc: KubeDocument): Judged {
  const resource = resourceOf(doc.raw);
  if (!hasSchema(resource)) return { resource, verdict: 'other', findings: [] };
  const findings = new Findings();
  const taken = checkSchema(resource, findings) && checkAdmission(resource, findings);
  const verdict = !taken ? 'refused' : findings.list.length > 0 ? 'warned' : 'accepted';
  return { resource, verdict, findings: findings.list };
}
