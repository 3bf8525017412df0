import { type AdminHandler, type AdminReply, HTML, ok } from './reply.js';

/** `/help`, `/` and the answer to an unknown path, all made from the list of handlers. */
export function commandList(handlers: readonly AdminHandler[]): string {
  let out = '';
  for (const { path, help, mutates, params } of sorted(handlers)) {
    out += `  ${path}${mutates ? ' (POST)' : ''}: ${help}\n`;
    for (const { id, description } of params) out += `      ${id}: ${description}\n`;
  }
  return out;
}

function sorted(handlers: readonly AdminHandler[]): AdminHandler[] {
  return [...handlers].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

export function helpReply(handlers: readonly AdminHandler[]): AdminReply {
  return ok(`admin commands are:\n${commandList(handlers)}`);
}

export function unknownPath(handlers: readonly AdminHandler[]): AdminReply {
  return { status: 404, body: `invalid path. admin commands are:\n${commandList(handlers)}` };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** The home page: a link or, for paths that change something, a button per command. */
export function homePage(handlers: readonly AdminHandler[]): AdminReply {
  const rows = sorted(handlers).map(({ path, help, mutates, params }) => {
    const inputs = params
      .map(
        ({ id, description }) => `<label title="${escaped(description)}">${id} <input name="${id}" size="12"></label>`,
      )
      .join(' ');
    const method = mutates ? 'post' : 'get';
    return (
      `<tr><td><form action="${path}" method="${method}" onsubmit="for (const i of this.elements) i.disabled = i.value === ''">` +
      `<button>${path.slice(1) || 'home'}</button> ${inputs}</form></td><td>${escaped(help)}</td></tr>`
    );
  });
  return {
    status: 200,
    contentType: HTML,
    body:
      `<!DOCTYPE html>\n<html lang='en'>\n<head>\n  <title>Envoy Admin</title>\n` +
      '  <style>body{font:14px sans-serif;margin:1em}td{padding:2px 8px;vertical-align:top;border-bottom:1px solid #ddd}</style>\n' +
      `</head>\n<body>\n<table>\n<tr><th>Command</th><th>Description</th></tr>\n${rows.join('\n')}\n</table>\n</body>\n</html>\n`,
  };
}
