import { CONSOLE_PAGE } from './console.js';
import { type AdminHandler, HTML, json, ok, text } from './reply.js';

/** `/explain` (the failed requests that are kept), and the console page that shows them. One request: `/explain/:id`. */
export const explainHandlers: readonly AdminHandler[] = [
  {
    path: '/explain',
    help: 'list the failed requests that can be explained, newest first',
    mutates: false,
    params: [{ id: 'format', description: 'Format to use; One of (text, json)' }],
    run({ query }, host) {
      const list = [...host.explained.list()];
      if (query.get('format') === 'json') return json({ requests: list });
      const lines = list.map((entry) =>
        [
          new Date(entry.at).toISOString(),
          entry.id === '' ? '-' : entry.id,
          `${entry.method} ${entry.path}`,
          entry.responseCode,
          entry.flags,
          entry.details === '' ? '-' : entry.details,
          `${entry.durationMs}ms`,
          entry.upstream === '' ? '-' : entry.upstream,
          entry.verdict === '' ? '-' : entry.verdict,
        ].join('  '),
      );
      return ok(lines.length === 0 ? 'no failed request is kept\n' : `${lines.join('\n')}\n`);
    },
  },
  {
    path: '/console',
    help: 'a page that shows clusters, failed requests and their timelines',
    mutates: false,
    params: [],
    run: () => ({ status: 200, body: CONSOLE_PAGE, contentType: HTML }),
  },
];

/** `/explain/:id`; `id` is an `x-request-id` or a stream id. */
export const explainOne: AdminHandler['run'] = ({ target, query }, host) => {
  const path = target.split('?', 1)[0];
  let id = path.slice('/explain/'.length);
  try {
    id = decodeURIComponent(id);
  } catch {
    return text(400, 'invalid id\n');
  }
  const found = host.explained.find(id);
  if (found === undefined) return text(404, `no failed request ${id} is kept\n`);
  return query.get('format') === 'json' ? json(found.toJson()) : ok(found.toText());
};
