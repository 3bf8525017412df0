/** `ip` and `port` of `1.2.3.4:80` or `[::1]:80`; of any other text (the path of a Unix socket) '' and 0. */
export function splitAddress(text: string): { ip: string; port: number } {
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.startsWith('/')) return { ip: '', port: 0 };
  const ip = text.startsWith('[') ? text.slice(1, colon - 1) : text.slice(0, colon);
  return { ip, port: Number(text.slice(colon + 1)) };
}
