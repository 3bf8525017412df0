import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { StreamBytes } from '../base/protocol.js';
import type { Flag } from './flags.js';
import type { ConnectionInfo, StreamInfo, UpstreamInfo } from './stream-info.js';

/** The stream info of a whole connection, for the access logs of listeners and of filters below HTTP. */
export class ConnectionStreamInfo implements StreamInfo {
  readonly protocol = '';
  requestEnd = -1;
  firstDownstreamTx = -1;
  lastDownstreamTx = -1;
  end = -1;
  readonly responseCode = 0;
  details = '';
  flags: Flag[] = [];
  bytesReceived = 0;
  bytesSent = 0;
  readonly downstreamBytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly routeName = '';
  readonly virtualHost = '';
  readonly virtualCluster = '';
  upstreamCluster = '';
  upstreamClusterAltName = '';
  attemptCount = 0;
  upstream: UpstreamInfo | null = null;
  filterChainName = '';
  readonly downstreamRemoteAddress: string;
  readonly streamId = '';
  readonly localReplyBody = '';
  readonly requestHeaders: RequestHeaders | null = null;
  readonly responseHeaders: ResponseHeaders | null = null;
  readonly responseTrailers: Trailers | null = null;

  constructor(
    readonly connection: ConnectionInfo,
    public start: number,
    public startWall: number,
  ) {
    this.downstreamRemoteAddress = connection.remoteAddress;
  }
}
