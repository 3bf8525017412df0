import { stringAt, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { isLabel } from './names.js';
import { checkTrafficPolicy } from './traffic-policy.js';

export function checkDestinationRule(admission: Admission): void {
  const { spec } = admission.resource;
  admission.host(spec, 'host', stringAt(spec, 'host'));
  checkTrafficPolicy(admission, spec, 'trafficPolicy');
  const names = new Set<string>();
  for (const subset of treesAt(spec, 'subsets')) {
    const name = stringAt(subset, 'name');
    if (name === '') admission.refuse(subset, 'name', 'subset name cannot be empty');
    else if (!isLabel(name)) admission.refuse(subset, 'name', `subset name is invalid: ${name}`);
    if (names.has(name)) admission.refuse(subset, 'name', `duplicate subset names: ${name}`);
    names.add(name);
    admission.workloadLabels(subset, 'labels');
    admission.withoutWarnings(() => checkTrafficPolicy(admission, subset, 'trafficPolicy'));
  }
  admission.exportTo({ own: treeAt(spec, 'workloadSelector') !== undefined });
  admission.selector(spec, 'workloadSelector');
}
