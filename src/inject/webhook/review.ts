import { workloadOf } from '../identity.js';
import { difference, pointer } from '../json-patch.js';
import type { InjectOptions } from '../options.js';
import { injectPod } from '../pod.js';
import { type Finding, InjectError, type Pod } from '../types.js';

/** What the API server asks (admission.k8s.io/v1). */
interface AdmissionRequest {
  uid: string;
  namespace?: string;
  operation?: string;
  kind?: { kind?: string };
  object?: Pod;
}

interface AdmissionResponse {
  uid: string;
  allowed: boolean;
  patchType?: 'JSONPatch';
  /** Base64. */
  patch?: string;
  warnings?: string[];
  status?: { code: number; message: string };
}

export interface Reviewed {
  answer: { apiVersion: string; kind: string; response: AdmissionResponse };
  /** One line for the log. */
  told: string;
}

/** Warnings are cut here, since the API server allows 4096 bytes for all of them. */
const WARNING_LENGTH = 240;
const WARNINGS = 12;

/**
 * Answers one review: a pod that is to be injected is patched, one that cannot be is refused with the reason, and anything else
 * goes through untouched. Has no effect beside its answer, so that a dry run is the same.
 * @throws Error when the request is no review that can be answered
 */
export function review(body: unknown, options: InjectOptions): Reviewed {
  const { apiVersion, kind, request } = (body ?? {}) as {
    apiVersion?: string;
    kind?: string;
    request?: AdmissionRequest;
  };
  if (kind !== 'AdmissionReview' || apiVersion !== 'admission.k8s.io/v1')
    throw new Error(
      `an AdmissionReview of admission.k8s.io/v1 is wanted, not ${String(kind)} of ${String(apiVersion)}`,
    );
  if (typeof request?.uid !== 'string') throw new Error('the review has no request with a uid');
  const answer = (response: Omit<AdmissionResponse, 'uid'>, told: string): Reviewed => ({
    answer: { apiVersion, kind, response: { uid: request.uid, ...response } },
    told,
  });
  const { object: pod, namespace = 'default' } = request;
  if (request.kind?.kind !== 'Pod' || request.operation !== 'CREATE' || typeof pod?.spec !== 'object')
    return answer({ allowed: true }, `${request.operation ?? '?'} ${request.kind?.kind ?? '?'} goes through`);
  const workload = workloadOf(pod, namespace);
  const title = `${namespace}/${pod.metadata?.name ?? pod.metadata?.generateName ?? ''}`;
  try {
    const { injected, skipped, warnings } = injectPod(pod, workload, options);
    if (injected === null) return answer({ allowed: true }, `${title} is left as it is: ${skipped}`);
    const patch = difference(pod, injected).map((operation) => ({ ...operation, path: pointer(operation.path) }));
    return answer(
      {
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
        ...(warnings.length > 0 && { warnings: warnings.slice(0, WARNINGS).map(line) }),
      },
      `${title} is injected`,
    );
  } catch (error) {
    if (!(error instanceof InjectError)) throw error;
    const message = `the sidecar cannot be injected: ${error.findings.map(line).join('; ')}`;
    return answer({ allowed: false, status: { code: 400, message } }, `${title} is refused: ${message}`);
  }
}

function line({ message, path }: Finding): string {
  const text = `${path.at(-1)}: ${message}`;
  return text.length > WARNING_LENGTH ? `${text.slice(0, WARNING_LENGTH - 1)}…` : text;
}
