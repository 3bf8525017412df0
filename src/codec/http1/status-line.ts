/** Reason phrases as Envoy writes them; any other status is `Unknown`. */
const REASONS: Record<number, string> = {
  100: 'Continue',
  101: 'Switching Protocols',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  207: 'Multi-Status',
  208: 'Already Reported',
  226: 'IM Used',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Entity',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  506: 'Variant Also Negotiates',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  510: 'Not Extended',
  511: 'Network Authentication Required',
  599: 'Last Unassigned Server Error Code',
};

export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Unknown';
}

const lines11: (Uint8Array | undefined)[] = [];
const lines10: (Uint8Array | undefined)[] = [];
for (const status of Object.keys(REASONS)) statusLine(Number(status), false);

/** `HTTP/1.1 200 OK` with its CRLF, as bytes; made once per status. */
export function statusLine(status: number, http10: boolean): Uint8Array {
  const lines = http10 ? lines10 : lines11;
  const known = lines[status];
  if (known !== undefined) return known;
  const line = Buffer.from(`HTTP/1.${http10 ? 0 : 1} ${status} ${reasonPhrase(status)}\r\n`, 'latin1');
  if (status >= 0 && status < 1000) lines[status] = line;
  return line;
}
