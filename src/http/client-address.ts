import { Bit, H, type HeaderName, permanentName } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import { canonicalIp } from '../base/ip-address.js';
import { unsupported } from '../xds/decode.js';
import { isType } from '../xds/type-url.js';
import type { CidrRange, HttpConnectionManager, TypedExtensionConfig } from '../xds/types.js';
import { statusNumber } from './status.js';

/** What a detection found out; one object for all, since it is read at once. */
export interface Detected {
  /** null: no address. */
  ip: string | null;
  /** The address may make the request internal. */
  trusted: boolean;
  /** The peer is to be appended to x-forwarded-for. */
  append: boolean;
  /** Status with which the request is refused, 0: it is not. */
  refusal: number;
}

/** Finds the address of a client that is not the peer (Envoy: OriginalIPDetection); used without use_remote_address. */
export interface AddressDetection {
  detect(headers: RequestHeaders, peer: string, out: Detected): void;
}

/** The address `hops` places from the right of x-forwarded-for; null when there is none or it is no address. */
export function addressFromXff(xff: string, hops: number): string | null {
  let end = xff.length;
  for (let i = 0; i < hops; i++) {
    end = xff.lastIndexOf(',', end - 1);
    if (end <= 0) return null;
  }
  const comma = xff.lastIndexOf(',', end - 1);
  // A comma with nothing behind it is part of what is then no address.
  const start = comma >= 0 && comma + 1 < end ? comma + 1 : 0;
  return canonicalIp(xff.slice(start, end).trim());
}

/** `envoy.http.original_ip_detection.xff` with a number of trusted hops: what a connection manager does without extensions. */
export class XffDetection implements AddressDetection {
  constructor(
    private readonly hops: number,
    private readonly append: boolean,
  ) {}

  detect(headers: RequestHeaders, _peer: string, out: Detected): void {
    out.append = this.append;
    if ((headers.bits & Bit.X_FORWARDED_FOR) === 0) return;
    const xff = headers.get(H.xForwardedFor);
    if (xff === undefined) return;
    out.ip = addressFromXff(xff, this.hops);
    out.trusted = this.hops === 0 && out.ip !== null && !xff.includes(',');
  }
}

/** The same with ranges of trusted proxies: from the right, the first address that is not one of them. */
class TrustedProxyDetection implements AddressDetection {
  constructor(
    private readonly isProxy: (ip: string) => boolean,
    private readonly append: boolean,
  ) {}

  detect(headers: RequestHeaders, peer: string, out: Detected): void {
    if (!this.isProxy(peer)) {
      out.append = true;
      return;
    }
    out.append = this.append;
    const entries = headers.get(H.xForwardedFor)?.split(',') ?? [];
    out.trusted = entries.length === 1;
    for (let i = entries.length - 1; i >= 0; i--) {
      out.ip = canonicalIp(entries[i].trim());
      if (out.ip === null || !this.isProxy(out.ip)) return;
    }
  }
}

/** `envoy.http.original_ip_detection.custom_header` */
class HeaderDetection implements AddressDetection {
  constructor(
    private readonly name: HeaderName,
    private readonly trusted: boolean,
    private readonly refusal: number,
  ) {}

  detect(headers: RequestHeaders, _peer: string, out: Detected): void {
    const text = headers.get(this.name);
    out.ip = text === undefined ? null : canonicalIp(text);
    out.trusted = this.trusted && out.ip !== null;
    if (out.ip === null) out.refusal = this.refusal;
  }
}

type Cidr = (ranges: readonly CidrRange[]) => (ip: string) => boolean;

/** @throws ConfigError for an extension that is not known, or one that cannot be used here */
export function compileDetections(hcm: HttpConnectionManager, cidr: Cidr): readonly AddressDetection[] {
  const field = 'original_ip_detection_extensions';
  const extensions = hcm[field];
  if (extensions.length === 0) return [new XffDetection(hcm.xff_num_trusted_hops, false)];
  if (hcm.use_remote_address === true)
    unsupported(hcm, field, 'Original IP detection extensions and use_remote_address may not be mixed');
  if (hcm.xff_num_trusted_hops > 0)
    unsupported(hcm, field, 'Original IP detection extensions and xff_num_trusted_hops may not be mixed');
  return extensions.map((extension) => compileDetection(extension, cidr));
}

function compileDetection(extension: TypedExtensionConfig, cidr: Cidr): AddressDetection {
  const config = extension.typed_config;
  if (isType(config, 'XffConfig')) {
    const append = config.skip_xff_append === false;
    const trusted = config.xff_trusted_cidrs?.cidrs ?? [];
    return trusted.length > 0
      ? new TrustedProxyDetection(cidr(trusted), append)
      : new XffDetection(config.xff_num_trusted_hops, append);
  }
  if (isType(config, 'CustomHeaderConfig')) {
    const { reject_with_status: refusal, header_name: name } = config;
    const status = refusal === undefined ? 0 : statusNumber(refusal);
    const refuses = refusal === undefined ? 0 : status >= 400 && status <= 511 ? status : 403;
    return new HeaderDetection(permanentName(name), config.allow_extension_to_set_address_as_trusted, refuses);
  }
  return unsupported(extension, 'typed_config', `the detection ${extension.name}`);
}
