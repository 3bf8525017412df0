import { parseRequestUri } from '../schema/uri.js';
import { numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';

export function checkWasmPlugin(admission: Admission): void {
  const { spec } = admission.resource;
  admission.targets();
  checkModule(admission, spec);
  checkMatch(admission, spec);
}

export function checkTrafficExtension(admission: Admission): void {
  const { spec, body } = admission.resource;
  const wasm = treeAt(spec, 'wasm');
  const lua = treeAt(spec, 'lua');
  if ((wasm === undefined) === (lua === undefined)) {
    admission.refuse(body, 'spec', 'exactly one of wasm or lua must be set');
  }
  admission.targets();
  const code = stringAt(lua, 'inlineCode');
  if (lua !== undefined && code === '') admission.refuse(lua, 'inlineCode', 'lua.inlineCode cannot be empty');
  if (lua !== undefined && Buffer.byteLength(code) > 65536) {
    admission.refuse(lua, 'inlineCode', 'lua.inlineCode exceeds maximum size of 64KB');
  }
  if (wasm !== undefined) checkModule(admission, wasm);
  checkMatch(admission, spec);
}

const SCHEMES = ['', 'file', 'http', 'https', 'oci'];

function checkModule(admission: Admission, module: Tree): void {
  const url = stringAt(module, 'url');
  const parsed = parseRequestUri(url) ?? parseRequestUri(`http://${url}`);
  if (url === '') admission.refuse(module, 'url', 'url field needs to be set');
  else if (parsed === null) admission.refuse(module, 'url', `failed to parse url: ${url}`);
  else if (!SCHEMES.includes(parsed.scheme)) {
    admission.refuse(module, 'url', `url contains unsupported scheme: ${parsed.scheme}`, 'file, http, https or oci');
  }
  const sha = stringAt(module, 'sha256');
  if (sha !== '' && !/^[a-f0-9]{64}$/.test(sha)) {
    admission.refuse(module, 'sha256', 'sha256 field must match [a-f0-9]{64} pattern');
  }
  if (Buffer.byteLength(stringAt(module, 'imagePullSecret')) > 253) {
    admission.refuse(module, 'imagePullSecret', 'imagePullSecret field must be less than 253 characters long');
  }
  if (Buffer.byteLength(stringAt(module, 'pluginName')) > 256) {
    admission.refuse(module, 'pluginName', 'pluginName field must be less than 255 characters long');
  }
  const names = new Set<string>();
  for (const variable of treesAt(treeAt(module, 'vmConfig'), 'env')) {
    const name = stringAt(variable, 'name');
    if (name === '') admission.refuse(variable, 'name', 'spec.vmConfig.env invalid');
    if (Buffer.byteLength(name) > 256) {
      admission.refuse(variable, 'name', 'env.name field must be less than 255 characters long');
    }
    if (names.has(name)) admission.refuse(variable, 'name', 'duplicate env');
    names.add(name);
    if (stringAt(variable, 'valueFrom') === 'HOST' && stringAt(variable, 'value') !== '') {
      admission.refuse(variable, 'value', 'value may only be set when valueFrom is INLINE');
    }
  }
}

function checkMatch(admission: Admission, spec: Tree): void {
  for (const match of treesAt(spec, 'match')) {
    for (const port of treesAt(match, 'ports')) {
      const number = numberAt(port, 'number') ?? 0;
      if (number <= 0 || number > 65535)
        admission.refuse(port, 'number', `port is out of range: ${number}`, '1 to 65535');
    }
  }
}
