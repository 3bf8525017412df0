import type { HeaderMap, RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { type CompileFormat, compileHeaderRules, type HeaderChange } from '../../router/header-mutation.js';
import type {
  HeaderMutationPerRoute,
  HeaderMutationFilter as HeaderMutationProto,
  Mutations,
} from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import type { FilterDeps } from './deps.js';
import { QueryChanges } from './query-changes.js';
import type { RouteSettings } from './route-settings.js';

/** The changes of one level. */
class Level {
  readonly query: QueryChanges | null;
  readonly request: readonly HeaderChange[];
  readonly response: readonly HeaderChange[];
  readonly requestTrailers: readonly HeaderChange[];
  readonly responseTrailers: readonly HeaderChange[];

  constructor(mutations: Mutations, compileFormat: CompileFormat) {
    const query = mutations.query_parameter_mutations;
    this.query = query.length === 0 ? null : new QueryChanges(query, compileFormat);
    this.request = compileHeaderRules(mutations.request_mutations, compileFormat);
    this.response = compileHeaderRules(mutations.response_mutations, compileFormat);
    this.requestTrailers = compileHeaderRules(mutations.request_trailers_mutations, compileFormat);
    this.responseTrailers = compileHeaderRules(mutations.response_trailers_mutations, compileFormat);
  }
}

/** The changes that one route asks for, in order. */
class RouteMutations implements StreamFilterFactory {
  constructor(readonly levels: readonly Level[]) {}
  create(filters: StreamFilters): StreamFilter {
    return new HeaderMutationFilter(filters, this.levels);
  }
}

/** Changes headers and trailers both ways: first as the filter is configured, then as the levels of the route are. */
class HeaderMutationFilter extends StreamFilter {
  constructor(
    filters: StreamFilters,
    private readonly levels: readonly Level[],
  ) {
    super(filters);
  }

  private apply(which: Exclude<keyof Level, 'query'>, headers: HeaderMap): void {
    const { info } = this.stream;
    for (const level of this.levels) for (const change of level[which]) change.apply(headers, info);
  }

  override decodeHeaders(headers: RequestHeaders): Step {
    const { info } = this.stream;
    for (const level of this.levels) {
      for (const change of level.request) change.apply(headers, info);
      level.query?.apply(headers, info);
    }
    return Step.CONTINUE;
  }

  override decodeTrailers(trailers: Trailers): void {
    this.apply('requestTrailers', trailers);
  }

  override encodeHeaders(headers: ResponseHeaders): void {
    this.apply('response', headers);
  }

  override encodeTrailers(trailers: Trailers): boolean {
    this.apply('responseTrailers', trailers);
    return false;
  }
}

/** `envoy.filters.http.header_mutation`. @throws ConfigError for what is not supported */
export function compileHeaderMutation(config: HeaderMutationProto, deps: FilterDeps): HttpFilterConfig {
  const level = (mutations: Mutations | undefined) =>
    mutations === undefined ? [] : [new Level(mutations, deps.compileFormat)];
  const general = level(config.mutations);
  const ofRoute = (own: unknown) => level((own as HeaderMutationPerRoute).mutations);
  return {
    checkRoute: (own) => void ofRoute(own),
    forRoute({ levels }: RouteSettings): StreamFilterFactory | null {
      // What is applied last wins.
      const ordered = config.most_specific_header_mutations_wins ? [...levels].reverse() : levels;
      const all = [...general, ...ordered.flatMap(ofRoute)];
      return all.length === 0 ? null : new RouteMutations(all);
    },
  };
}
