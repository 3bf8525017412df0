/** Gives back the object that it is given, so that a class derived from it adds its private fields to that object. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: that is the purpose
    return object;
  }
}

/**
 * Two notes on any object of a configuration that nothing else can see: no enumeration, no copy, no comparison. What a WeakMap
 * would do, without its table: with a million entries that is most of what the garbage collector has to do.
 */
export class Stamp extends Given {
  #place: unknown;
  #path: string | undefined;

  static place(object: object): unknown {
    return #place in object ? object.#place : undefined;
  }

  static setPlace(object: object, place: unknown): void {
    (#place in object ? object : new Stamp(object)).#place = place;
  }

  static path(object: object): string | undefined {
    return #path in object ? object.#path : undefined;
  }

  static setPath(object: object, path: string): void {
    (#path in object ? object : new Stamp(object)).#path = path;
  }
}
