import { PROXY } from './options.js';
import type { Container } from './types.js';

/** Lists of a container that are merged item by item, by the field that names an item (patchMergeKey of core/v1). */
const KEYS: Readonly<Record<string, string>> = {
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
};

/**
 * Puts what the user says about the sidecar (a container of its name in the pod) over what injection says: a strategic merge.
 * The image `auto` is injection's.
 */
export function overContainer(injected: Container, said: Container): Container {
  const { image, ...rest } = said;
  const overlay = image === undefined || image === 'auto' ? rest : { ...rest, image };
  return merge(injected, overlay) as Container;
}

function merge(below: unknown, above: unknown, field = ''): unknown {
  if (Array.isArray(above)) {
    const key = KEYS[field];
    if (key === undefined || !Array.isArray(below)) return above;
    const list = [...below];
    for (const item of above) {
      const at = list.findIndex((other) => other[key] === item[key]);
      // A variable is replaced as a whole: `value` and `valueFrom` exclude each other.
      if (at < 0) list.push(item);
      else list[at] = field === 'env' ? item : merge(list[at], item);
    }
    return list;
  }
  if (!isRecord(above) || !isRecord(below)) return above;
  const result: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    if (value === null) delete result[name];
    else result[name] = merge(below[name], value, name);
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes the container of that name out of a list. */
export function takeOut(list: Container[] | undefined, name: string = PROXY): Container | undefined {
  const at = list?.findIndex((container) => container.name === name) ?? -1;
  return at < 0 ? undefined : list?.splice(at, 1)[0];
}
