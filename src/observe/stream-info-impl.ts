import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { Protocol, StreamBytes } from '../base/protocol.js';
import type { Flag } from './flags.js';
import type { ConnectionInfo, StreamInfo, UpstreamInfo } from './stream-info.js';

/** The stream info that a connection manager, or a mirrored request, fills; see the interface for units. */
export class StreamInfoImpl implements StreamInfo {
  requestEnd = -1;
  firstDownstreamTx = -1;
  lastDownstreamTx = -1;
  end = -1;
  responseCode = 0;
  details = '';
  flags: Flag[] = [];
  bytesReceived = 0;
  bytesSent = 0;
  routeName = '';
  virtualHost = '';
  virtualCluster = '';
  upstreamCluster = '';
  upstreamClusterAltName = '';
  attemptCount = 0;
  healthCheck = false;
  upstream: UpstreamInfo | null = null;
  downstreamRemoteAddress: string;
  streamId = '';
  localReplyBody = '';
  requestHeaders: RequestHeaders | null = null;
  responseHeaders: ResponseHeaders | null = null;
  responseTrailers: Trailers | null = null;

  constructor(
    readonly connection: ConnectionInfo,
    public protocol: Protocol,
    public start: number,
    public startWall: number,
    public downstreamBytes: StreamBytes | null,
    readonly filterChainName: string,
  ) {
    this.downstreamRemoteAddress = connection.remoteAddress;
  }
}
